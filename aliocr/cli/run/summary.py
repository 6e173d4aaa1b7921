"""What came of a job, for people: what there is, what is missing, and what to type next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from rich.text import Text

from aliocr.cli.humanize import counted, duration
from aliocr.cli.output import plain
from aliocr.cli.wrapping import filled, listing, whole
from aliocr.job.input.rows import BAD_ROW
from aliocr.job.summary import Failed, Summary

MOST_FAULTS = 10
"""Ways to fail that are named, before the rest are counted."""

AT_HAND = {
    BAD_ROW: "the output says what is wrong with each",
    "403": "it may not be read; the permissions of its file, or its host, forbid it",
    "404": "no picture is there, or not any more",
    "480": "the output says why; mostly it takes a smaller picture",
}
"""What to do about pictures that this machine failed to read, where it is another thing than what
to do about URLs that the service failed to read."""


def summary_lines(summary: Summary, width: int, *, at_hand: bool = False) -> Iterator[Text]:
    """All that is to be said at the end.

    Args:
        summary: Of the run.
        width: Columns to keep to.
        at_hand: Whether this machine read the pictures, which costs nothing.
    """
    failed = sum(each.rows for each in summary.failed)
    style, words = _headline(summary, failed)
    yield Text(filled(words, width), style)
    yield from listing(_faults(summary.failed, at_hand=at_hand), width, style="red")
    yield from listing(_rest(summary, at_hand=at_hand), width)


def _headline(summary: Summary, failed: int) -> tuple[str, str]:
    """Style and words."""
    took = f"{summary.seconds:.1f} s" if summary.seconds < 10 else duration(summary.seconds)
    read = f"{counted(summary.read, 'row')} read, {failed:,} failed, in {took}"
    match summary.ended:
        case "complete":
            return "red" if failed else "green", f"complete: {read}"
        case "stopped":
            return "yellow", f"stopped before the end: {read}"
        case "budget":
            return "yellow", f"budget spent before the end: {read}"


def _faults(failed: Sequence[Failed], *, at_hand: bool) -> list[tuple[str, str]]:
    """Each way to fail with what to do about it."""
    advice = AT_HAND if at_hand else {}
    entries = [
        (each.rows, f"{_name(each)}: {advice.get(each.reason, each.advice)}")
        for each in failed[:MOST_FAULTS]
    ]
    if others := failed[MOST_FAULTS:]:
        entries.append((sum(each.rows for each in others), "in other ways"))
    column = max((len(f"{rows:,}") for rows, _ in entries), default=0)
    return [(f"  {rows:>{column},}", words.removesuffix(": ")) for rows, words in entries]


def _name(failed: Failed) -> str:
    return failed.kind if failed.code is None else plain(f"{failed.kind} {failed.code}")


def _rest(summary: Summary, *, at_hand: bool) -> list[tuple[str, str]]:
    output = str(summary.output)
    entries = [("results", whole(plain(output)))]
    if not at_hand:
        entries.append(("charged", _charged(summary)))
    if summary.duplicates:
        entries.append(
            ("repeated", f"{counted(summary.duplicates, 'row')} of images that others have, too")
        )
    if summary.ended != "complete":
        more = " with a higher --budget" if summary.ended == "budget" else ""
        entries.append(("to go on", f"the same command again{more}"))
    if how := _second_try(summary.failed, at_hand=at_hand):
        entries.append(("to retry", how))
    entries.append(("to look", whole(plain(f"aliocr report {shlex.quote(output)}"))))
    return entries


def _charged(summary: Summary) -> str:
    most = counted(summary.charged_at_most, "image")
    if summary.charged >= summary.charged_at_most:
        return most
    return f"{summary.charged:,} to {most}: what was sent and not answered may have been"


def _second_try(failed: Sequence[Failed], *, at_hand: bool) -> str:
    # At hand, where the words for a code are others, it is a file that is not as it should be.
    passing = sum(
        each.rows for each in failed if each.passing and not (at_hand and each.reason in AT_HAND)
    )
    if passing:
        return f"--retry-failed; {passing:,} of the failed may pass now"
    # A row that names no URL never will, while a file may be there by then.
    if any(at_hand or each.kind != BAD_ROW for each in failed):
        return "--retry-failed, once that is mended"
    return ""
