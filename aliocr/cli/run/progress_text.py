"""The progress of a job as text: lines that change on a terminal, or one line at intervals."""

from __future__ import annotations

from collections.abc import Iterator

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from aliocr.cli.console import counted, plain
from aliocr.cli.run.humanize import duration, rate
from aliocr.cli.run.recent_rate import RecentRate
from aliocr.job.summary import Progress

MOST_BAR = 60
"""Maximum width of the bar, in columns."""

STOPPING = "finishing the images in flight; press Ctrl-C again to stop immediately"


def standing(progress: Progress, recent: RecentRate, *, stopping: bool) -> RenderableType:
    """Return the progress as lines for a terminal; the next update replaces these lines."""
    pace = Columns([*_pace(recent), *_left(progress, recent)], padding=(0, 2))
    style = "red" if progress.failed else "yellow"
    trouble = Text(", ".join(_trouble(progress)), style, no_wrap=True, overflow="ellipsis")
    stop = Text(STOPPING if stopping else "", "yellow")
    total = progress.total
    rows: RenderableType = Text(f"{counted(progress.rows, 'row')} so far")
    if total is not None:
        # Pad the numbers, so that the columns keep their width when the numbers grow.
        done = _done(progress).rjust(2 * len(f"{total:,}") + len(" of ~"))
        percent = _percent(progress.rows, total).rjust(len("100%"))
        rows = table = Table.grid(padding=(0, 2))
        table.add_column(max_width=MOST_BAR)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_row(ProgressBar(total, progress.rows), percent, done)
    # End with an empty line for the cursor, so that a ^C that the terminal prints overwrites
    # nothing.
    return Group(rows, pace, *filter(None, [trouble, stop]), Text())


def sentence(progress: Progress, recent: RecentRate) -> str:
    """Return the whole progress as one line, for a file or a pipe."""
    total = progress.total
    percent = "" if total is None else f" ({_percent(progress.rows, total)})"
    rows = f"{_done(progress)} rows{percent}"
    return ", ".join([rows, *_pace(recent), *_left(progress, recent), *_trouble(progress)])


def _pace(recent: RecentRate) -> Iterator[str]:
    if recent.idle:
        yield f"no result for {duration(recent.idle)}"
        return
    if not recent.known:
        return
    images = recent.images
    if recent.limits is None and images < 1:
        if images:
            yield f"{duration(1 / images)} per image"
        return
    yield f"{rate(images)} images/s"
    if recent.limits is None:
        return
    if recent.limits.images_per_second is None:
        yield f"{recent.requests:.1f} of {rate(recent.limits.requests_per_second)} requests/s"
    else:
        yield f"{100 * recent.share:.0f}% of the limit"


def _left(progress: Progress, recent: RecentRate) -> Iterator[str]:
    if (seconds := recent.left(progress)) is not None:
        yield f"{duration(seconds)} left"
    if progress.budget is not None:
        yield f"budget for {max(0, progress.budget - progress.charged_at_most):,} more"


def _trouble(progress: Progress) -> Iterator[str]:
    """Yield the number of throttled requests, then the failures.

    The most frequent kind of failure comes first, because the end of a line may be cut off.
    """
    if times := progress.stats.throttled:
        yield f"{times:,} throttled"
    if progress.failed:
        by_number = sorted(progress.failed.items(), key=lambda each: -each[1])
        kinds = ", ".join(f"{rows:,} × {plain(kind)}" for kind, rows in by_number)
        yield f"{sum(progress.failed.values()):,} failed: {kinds}"


def _done(progress: Progress) -> str:
    total = progress.total
    if total is None:
        return f"{progress.rows:,}"
    return f"{progress.rows:,} of {'' if progress.exact else '~'}{total:,}"


def _percent(rows: int, total: int) -> str:
    """Return a percentage, rounded down so that 100 % means all rows."""
    return f"{100 * rows // max(1, total)}%"
