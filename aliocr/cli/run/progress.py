"""What a person sees of a running job: a few lines on a terminal, or one now and then."""

from __future__ import annotations

from collections.abc import Iterator

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from aliocr.cli.humanize import counted, duration, rate
from aliocr.cli.output import plain
from aliocr.cli.run.recent_rate import Recent
from aliocr.job.summary import Progress

MOST_BAR = 60
"""Columns beyond which a bar says no more."""

STOPPING = "finishing what is under way; once more to stop at once"


def standing(progress: Progress, recent: Recent, *, stopping: bool) -> RenderableType:
    """For a terminal: lines that stand, and change.

    Args:
        progress: Of this moment.
        recent: What was done over the last seconds.
        stopping: Whether it finishes what is under way.
    """
    pace = Columns([*_pace(recent), *_left(progress, recent)], padding=(0, 2))
    style = "red" if progress.failed else "yellow"
    trouble = Text(", ".join(_trouble(progress)), style, no_wrap=True, overflow="ellipsis")
    stop = Text(STOPPING if stopping else "", "yellow")
    # The cursor waits in a line of its own, where the ^C that a terminal writes does no harm.
    return Group(_bar(progress), pace, *filter(None, [trouble, stop]), Text())


def sentence(progress: Progress, recent: Recent) -> str:
    """For a file or a pipe: all of it in one line."""
    total = progress.total
    percent = "" if total is None else f" ({_percent(progress.rows, total)})"
    rows = f"{_done(progress)} rows{percent}"
    return ", ".join([rows, *_pace(recent), *_left(progress, recent), *_trouble(progress)])


def _bar(progress: Progress) -> RenderableType:
    """How much is done, as a bar and in numbers, which keep their places as they grow."""
    total = progress.total
    if total is None:
        return Text(f"{counted(progress.rows, 'row')} so far")
    row = Table.grid(padding=(0, 2))
    row.add_column(max_width=MOST_BAR)
    row.add_column(no_wrap=True)
    row.add_column(no_wrap=True)
    done = _done(progress).rjust(2 * len(f"{total:,}") + len(" of ~"))
    row.add_row(
        ProgressBar(total, progress.rows), _percent(progress.rows, total).rjust(len("100%")), done
    )
    return row


def _pace(recent: Recent) -> Iterator[str]:
    if recent.idle:
        yield f"nothing has come for {duration(recent.idle)}"
        return
    if not recent.told:
        return
    images = recent.images
    if recent.limits is None and images < 1:
        if images:
            yield f"{duration(1 / images)} an image"
        return
    yield f"{rate(images)} images/s"
    if recent.limits is None:
        return
    if recent.limits.images_per_second is None:
        yield f"{recent.requests:.1f} of {rate(recent.limits.requests_per_second)} requests/s"
    else:
        yield f"{100 * recent.share:.0f}% of the limit"


def _left(progress: Progress, recent: Recent) -> Iterator[str]:
    if (seconds := recent.left(progress)) is not None:
        yield f"{duration(seconds)} left"
    if progress.budget is not None:
        yield f"budget for {max(0, progress.budget - progress.charged_at_most):,} more"


def _trouble(progress: Progress) -> Iterator[str]:
    """What may be cut off last: the kinds, the commonest first."""
    if times := progress.stats.throttled:
        yield f"{times:,} throttled"
    if progress.failed:
        commonest = sorted(progress.failed.items(), key=lambda each: -each[1])
        kinds = ", ".join(f"{rows:,} × {plain(kind)}" for kind, rows in commonest)
        yield f"{sum(progress.failed.values()):,} failed: {kinds}"


def _done(progress: Progress) -> str:
    total = progress.total
    if total is None:
        return f"{progress.rows:,}"
    return f"{progress.rows:,} of {'' if progress.exact else '~'}{total:,}"


def _percent(rows: int, total: int) -> str:
    """Rounded down: a hundred are all."""
    return f"{100 * rows // max(1, total)}%"
