"""The summary of a job, for people: its results, its failures, and the next command."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from rich.text import Text

from aliocr.cli.console import counted, plain
from aliocr.cli.run.humanize import duration
from aliocr.cli.run.wrapping import filled, listing, whole
from aliocr.job.input.rows import BAD_ROW
from aliocr.job.summary import Failed, Summary

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
    style, words = _headline(summary, failed)
    yield Text(filled(words, width), style)
    yield from listing(_faults(summary.failed, local=local), width, style="red")
    yield from listing(_rest(summary, local=local), width)


def _headline(summary: Summary, failed: int) -> tuple[str, str]:
    """Return the style and the text of the first line."""
    took = f"{summary.seconds:.1f} s" if summary.seconds < 10 else duration(summary.seconds)
    read = f"{counted(summary.read, 'row')} read, {failed:,} failed, in {took}"
    match summary.ended:
        case "complete":
            return "red" if failed else "green", f"complete: {read}"
        case "stopped":
            return "yellow", f"stopped before the end: {read}"
        case "budget":
            return "yellow", f"budget spent before the end: {read}"


def _faults(failed: Sequence[Failed], *, local: bool) -> list[tuple[str, str]]:
    """Return the kinds of failure, each with advice."""
    advice = LOCAL_ADVICE if local else {}
    entries = []
    for each in failed[:MOST_FAULTS]:
        kind = each.kind if each.code is None else plain(f"{each.kind} {each.code}")
        entries.append((each.rows, f"{kind}: {advice.get(each.reason, each.advice)}"))
    if others := failed[MOST_FAULTS:]:
        entries.append((sum(each.rows for each in others), "in other ways"))
    column = max((len(f"{rows:,}") for rows, _ in entries), default=0)
    return [(f"  {rows:>{column},}", words.removesuffix(": ")) for rows, words in entries]


def _rest(summary: Summary, *, local: bool) -> list[tuple[str, str]]:
    output = str(summary.output)
    entries = [("results", whole(plain(output)))]
    if not local:
        entries.append(("charged", _charged(summary)))
    if summary.duplicates:
        entries.append(
            ("repeated", f"{counted(summary.duplicates, 'row')} of images that others have, too")
        )
    if summary.ended != "complete":
        more = " with a higher --budget" if summary.ended == "budget" else ""
        entries.append(("to go on", f"the same command again{more}"))
    if how := _second_try(summary.failed, local=local):
        entries.append(("to retry", how))
    entries.append(("to look", whole(plain(f"aliocr report {shlex.quote(output)}"))))
    return entries


def _charged(summary: Summary) -> str:
    most = counted(summary.charged_at_most, "image")
    if summary.charged >= summary.charged_at_most:
        return most
    return f"{summary.charged:,} to {most}: what was sent and not answered may have been"


def _second_try(failed: Sequence[Failed], *, local: bool) -> str:
    # On this machine, a code with advice of its own is a fault of the file.
    passing = sum(
        each.rows for each in failed if each.passing and not (local and each.reason in LOCAL_ADVICE)
    )
    if passing:
        return f"--retry-failed; {passing:,} of the failed may pass now"
    # A row without a URL never can be read, while a missing file may be there by then.
    if any(local or each.kind != BAD_ROW for each in failed):
        return "--retry-failed, once that is fixed"
    return ""
