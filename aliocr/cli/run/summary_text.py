"""The summary of a job, for people: its results, its failures, and the next command."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from rich.text import Text

from aliocr.cli.console import counted, plain
from aliocr.cli.run.humanize import duration
from aliocr.cli.run.wrapping import filled, listing, whole
from aliocr.job.input.rows import BAD_ROW
from aliocr.job.summary import Summary

MOST_FAULTS = 10
"""Kinds of failure that are named; more are counted."""

LOCAL_ADVICE = {
    BAD_ROW: "the output says what is wrong with each",
    "403": "it may not be read; the permissions of its file, or its host, forbid it",
    "404": "no picture is there, or not any more",
    "480": "the output says why; mostly it takes a smaller picture",
}
"""Advice on files that this machine failed to read, where it differs from the advice on URLs."""


def summary_lines(summary: Summary, width: int, *, local: bool = False) -> Iterator[Text]:
    """Return the lines to print after a run; `local` if this machine read, which costs nothing."""
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
    yield from listing(_rest(summary, local=local), width)


def _rest(summary: Summary, *, local: bool) -> list[tuple[str, str]]:
    output = str(summary.output)
    entries = [("results", whole(plain(output)))]
    if not local:
        most = counted(summary.charged_at_most, "image")
        if summary.charged < summary.charged_at_most:
            most = f"{summary.charged:,} to {most}: what was sent and not answered may have been"
        entries.append(("charged", most))
    if summary.duplicates:
        entries.append(
            ("repeated", f"{counted(summary.duplicates, 'row')} of images that others have, too")
        )
    if summary.ended != "complete":
        more = " with a higher --budget" if summary.ended == "budget" else ""
        entries.append(("to go on", f"the same command again{more}"))
    # On this machine, a code with advice of its own is a fault of the file.
    passing = sum(
        each.rows
        for each in summary.failed
        if each.passing and not (local and each.reason in LOCAL_ADVICE)
    )
    if passing:
        entries.append(("to retry", f"--retry-failed; {passing:,} of the failed may pass now"))
    # A row without a URL never can be read, while a missing file may be there by then.
    elif any(local or each.kind != BAD_ROW for each in summary.failed):
        entries.append(("to retry", "--retry-failed, once that is fixed"))
    entries.append(("to look", whole(plain(f"aliocr report {shlex.quote(output)}"))))
    return entries
