"""The summary of a job, for people: its results, its failures, and the next command."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from rich.text import Text

from aliocr.cli.console import counted, plain
from aliocr.cli.run.humanize import duration
from aliocr.cli.run.wrapping import filled, listing, whole
from aliocr.job.input.rows import BAD_ROW
from aliocr.job.summary import Summary

MOST_FAULTS = 10
"""Maximum number of failure kinds to name; the rows of other kinds are counted together."""

LOCAL_ADVICE = {
    BAD_ROW: "the output says what is wrong with each",
    "403": "no permission to read it; check the permissions of the file, or its host",
    "404": "there is no picture, or it was removed",
    "480": "the output says why; in most cases a smaller picture helps",
}
"""Advice if this machine reads, for failures whose usual advice is about the service."""


def summary_lines(
    summary: Summary, width: int, *, local: bool = False, report_options: Sequence[str] = ()
) -> Iterator[Text]:
    """Return the lines to print after a run.

    Args:
        summary: The numbers.
        width: Maximum width of a line, in columns.
        local: This machine read the images, for free.
        report_options: The options that `aliocr report` needs.
    """
    failed = sum(each.rows for each in summary.failed)
    took = f"{summary.seconds:.1f} s" if summary.seconds < 10 else duration(summary.seconds)
    read = f"{counted(summary.read, 'row')} read, {failed:,} failed, in {took}"
    match summary.ended:
        case "complete":
            yield Text(filled(f"complete: {read}", width), "red" if failed else "green")
        case "stopped":
            yield Text(filled(f"stopped before the end: {read}", width), "yellow")
        case "budget":
            yield Text(filled(f"budget spent before the end: {read}", width), "yellow")
    advice = LOCAL_ADVICE if local else {}
    faults = []
    for each in summary.failed[:MOST_FAULTS]:
        kind = each.kind if each.code is None else plain(f"{each.kind} {each.code}")
        faults.append((each.rows, f"{kind}: {advice.get(each.reason, each.advice)}"))
    if others := summary.failed[MOST_FAULTS:]:
        faults.append((sum(each.rows for each in others), "in other ways"))
    column = max((len(f"{rows:,}") for rows, _ in faults), default=0)
    entries = [(f"  {rows:>{column},}", words.removesuffix(": ")) for rows, words in faults]
    yield from listing(entries, width, style="red")
    yield from listing(_rest(summary, report_options, local=local), width)


def _rest(summary: Summary, report_options: Sequence[str], *, local: bool) -> list[tuple[str, str]]:
    output = str(summary.output)
    is_kept = output != "-"  # else the results are on standard output, and cannot be used again
    entries = [("results", whole(plain(output)))] if is_kept else []
    if not local:
        most = counted(summary.charged_at_most, "image")
        if summary.charged < summary.charged_at_most:
            most = f"{summary.charged:,} to {most}: images without an answer may be charged"
        entries.append(("charged", most))
    if summary.duplicates:
        entries.append(
            ("repeated", f"{counted(summary.duplicates, 'row')} of images that other rows have")
        )
    if not is_kept:
        return entries
    if summary.ended != "complete":
        more = " with a higher --budget" if summary.ended == "budget" else ""
        entries.append(("to go on", f"the same command again{more}"))
    # On this machine, a reason in LOCAL_ADVICE is a fault of the file, so a retry does not help.
    passing = sum(
        each.rows
        for each in summary.failed
        if each.passing and not (local and each.reason in LOCAL_ADVICE)
    )
    if passing:
        entries.append(("to retry", f"--retry-failed; {passing:,} of the failed rows may pass now"))
    # A row without a URL can never be read, but a missing file may exist when it is retried.
    elif any(local or each.kind != BAD_ROW for each in summary.failed):
        entries.append(("to retry", "--retry-failed, after the causes are fixed"))
    command = shlex.join(["aliocr", "report", output, *report_options])
    entries.append(("to look", whole(plain(command))))
    return entries
