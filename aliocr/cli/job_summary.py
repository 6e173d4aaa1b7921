"""What came of a job, for people: what there is, what is missing, and what to type next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from textwrap import wrap

from rich.text import Text

from aliocr.cli.figures import counted, duration
from aliocr.job.summary import Failed, Summary

__all__ = ["faults", "listing", "summary_lines"]

MOST_FAULTS = 10
"""Ways to fail that are named, before the rest are counted."""

GLUE = "\0"
"""Stands for a space that is not to be parted at; it is in no name."""

LEAST_WIDTH = 20
"""Columns below which wrapping helps nobody."""


def summary_lines(summary: Summary, width: int | None, *, charged: bool = True) -> Iterator[Text]:
    """All that is to be said at the end.

    Args:
        summary: Of the run.
        width: Columns to keep to; None for lines as long as they come.
        charged: Whether reading costs anything.
    """
    failed = sum(each.rows for each in summary.failed)
    style, words = _headline(summary, failed)
    for line in _wrapped(words, 0, width):
        yield Text(line, style)
    yield from faults(summary.failed, width)
    yield from listing(_rest(summary, charged=charged), width)


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


def faults(failed: Sequence[Failed], width: int | None) -> Iterator[Text]:
    """Each way to fail with what to do about it, the advice wrapped beside its number."""
    if not failed:
        return
    column = len(f"{max(each.rows for each in failed):,}")
    for each in failed[:MOST_FAULTS]:
        name = each.kind if each.code is None else f"{each.kind} {each.code}"
        words = f"{name}: {each.advice}" if each.advice else name
        first = f"  {each.rows:>{column},}  "
        for line in _wrapped(words, len(first), width):
            yield Text.assemble((first, "red"), line)
            first = " " * len(first)
    if others := failed[MOST_FAULTS:]:
        yield Text(f"  {sum(each.rows for each in others):>{column},}  in other ways")


def listing(entries: Sequence[tuple[str, str]], width: int | None) -> Iterator[Text]:
    """Labels in a column, and beside it what there is to say of each."""
    column = max((len(label) for label, _ in entries), default=0) + 2
    for label, words in entries:
        first = label.ljust(column)
        for line in _wrapped(words, column, width):
            yield Text.assemble((first, "dim"), line)
            first = " " * column


def _rest(summary: Summary, *, charged: bool) -> list[tuple[str, str]]:
    output = str(summary.output)
    entries = [("results", whole(output))]
    if charged:
        twice = f", {summary.charged_again:,} of them maybe twice" if summary.charged_again else ""
        entries.append(("charged", f"{counted(summary.spent, 'image')}{twice}"))
    if summary.duplicates:
        entries.append(
            ("repeated", f"{counted(summary.duplicates, 'row')} of images that others have, too")
        )
    if summary.ended != "complete":
        more = " and a higher --budget" if summary.ended == "budget" else ""
        entries.append(("to go on", f"the same command again{more}"))
    if how := _second_try(summary.failed):
        entries.append(("to retry", how))
    entries.append(("to look", whole(f"aliocr report {shlex.quote(output)}")))
    return entries


def _second_try(failed: Sequence[Failed]) -> str:
    passing = sum(each.rows for each in failed if each.passing)
    if passing:
        return f"--retry-failed; {passing:,} of the failed may pass now"
    if any(each.kind != "BadRow" for each in failed):
        return "--retry-failed, once that is mended"
    return ""


def whole(words: str) -> str:
    """Words that no line may part: names and commands, which are copied."""
    return words.replace(" ", GLUE)


def _wrapped(words: str, indent: int, width: int | None) -> list[str]:
    room = len(words) + 1 if width is None else max(LEAST_WIDTH, width - 1 - indent)
    lines = wrap(words, room, break_long_words=False, break_on_hyphens=False)
    return [line.replace(GLUE, " ") for line in lines] or [""]
