"""The progress that a job shows, from its numbers: on any terminal, and in a file."""

import io
import re
from collections.abc import Mapping
from typing import Any

import pytest

from aliocr import Limits
from aliocr.job.summary import Progress
from aliocr.stats import Stats

pytest.importorskip("click")
pytest.importorskip("rich")

from rich.console import Console

from aliocr.cli.run.humanize import duration
from aliocr.cli.run.progress_text import sentence, standing
from aliocr.cli.run.recent_rate import RecentRate

NOTHING: Mapping[str, int] = {}


def at(
    seconds: float,
    rows: int,
    *,
    failed: Mapping[str, int] = NOTHING,
    stats: Mapping[str, Any] = NOTHING,
    **more: Any,
) -> Progress:
    """A job of 400,000 rows that went on at a steady pace since it began."""
    usual: dict[str, Any] = {
        "read": rows,
        "total": 400_000,
        "exact": False,
        "charged_at_most": rows,
        "budget": None,
        "charged": 0,
    }
    counted: dict[str, Any] = {
        "requests": int(9.1 * seconds),
        "images_sent": rows,
        "outcomes": {"Scan": rows},
    }
    return Progress(
        failed=failed,
        rows=rows,
        seconds=seconds,
        stats=Stats(**(counted | dict(stats))),
        **usual | more,
    )


def watched(*moments: Progress, limits: Limits | None = Limits()) -> RecentRate:  # noqa: B008
    """Return the rates after these moments."""
    recent = RecentRate(limits)
    for moment in moments:
        recent.note(moment)
    return recent


def shown(
    *moments: Progress,
    width: int = 80,
    stopping: bool = False,
    encoding: str = "utf-8",
    **limits: Any,
) -> list[str]:
    """The lines of the last moment, without colours; the cursor waits below the last."""
    file = io.TextIOWrapper(io.BytesIO(), encoding)
    console = Console(file=file, width=width, color_system=None, legacy_windows=False)
    seen = standing(moments[-1], watched(*moments, **limits), stopping=stopping)
    *lines, last = console.render_lines(seen, pad=False)
    assert not "".join(segment.text for segment in last)
    return ["".join(segment.text for segment in line).rstrip() for line in lines]


STEADY = [at(seconds, 912 * seconds) for seconds in range(21)]


def test_a_wide_terminal_shows_all_of_it() -> None:
    """The rows, the rate, the limit, the time left, and the failures."""
    troubled = at(20, 18_240, failed={"404": 4, "592": 8}, stats={"throttled": 1_200}, budget=9_999)
    bar, pace, trouble = shown(*STEADY[:-1], troubled)
    assert re.fullmatch(r"━━╸? +  4%   18,240 of ~400,000", bar)
    assert pace == "912 images/s  9.1 of 10 requests/s  0 s left  budget for 0 more"
    assert trouble == "1,200 throttled, 12 failed: 8 × 592, 4 × 404"
    assert shown(*STEADY)[1] == "912 images/s  9.1 of 10 requests/s  6 min 59 s left"


def test_a_narrow_terminal_shows_the_same_in_more_lines() -> None:
    """Nothing that matters is cut off at 40 columns."""
    troubled = at(
        20, 18_240, failed={"404": 4, "592": 8}, stats={"throttled": 1_200}, budget=99_999
    )
    bar, *facts = shown(*STEADY[:-1], troubled, width=40, stopping=True)
    assert re.fullmatch(r"╸? +  4%   18,240 of ~400,000", bar)
    assert facts == [
        "912 images/s     9.1 of 10 requests/s",
        "1 min 30 s left  budget for 81,759 more",
        "1,200 throttled, 12 failed: 8 × 592, 4 …",
        "finishing the images in flight; press",
        "Ctrl-C again to stop immediately",
    ]


@pytest.mark.parametrize("width", [1, 7, 20, 39, 59, 60, 79, 119, 250])
@pytest.mark.parametrize("rows", [0, 1, 999_999, 123_456_789])
def test_no_line_is_longer_than_the_terminal_is_wide(width: int, rows: int) -> None:
    """One that wraps cannot be taken back. However large the numbers, and however many kinds."""
    failed = {f"Throttling.User{number}": rows + number for number in range(30)}
    stats = {"throttled": rows, "requests": rows, "outcomes": {"Scan": 9 * rows}}
    for total in (None, rows, 999_999_999):
        for exact in (True, False):
            moment = at(
                3600, rows, failed=failed, stats=stats, total=total, exact=exact, budget=rows
            )
            for line in shown(at(0, 0), moment, width=width, stopping=True):
                assert len(line) <= width


def test_the_bar_stands_still_while_numbers_grow() -> None:
    """Numbers that jump about cannot be read."""
    ends = {shown(at(1, rows))[0].index("%") for rows in (1, 99, 12_345, 399_999)}
    assert len(ends) == 1


def test_a_hundred_percent_are_all() -> None:
    """One row short of the end is 99 %, and a full bar is the end."""
    assert "99%" in shown(at(1, 399_999, exact=True))[0]
    assert "━  " not in shown(at(1, 399_999, exact=True))[0]
    assert "━  100%" in shown(at(1, 400_000, exact=True))[0]


def test_an_estimate_is_marked() -> None:
    """Unlike a count; the rows of a pipe are unknown."""
    assert "5 of ~400,000" in shown(at(1, 5))[0]
    assert "5 of 400,000" in shown(at(1, 5, exact=True))[0]
    assert shown(at(1, 1_234, total=None))[0] == "1,234 rows so far"


def test_what_is_left_is_reckoned_from_the_limit_until_there_is_a_pace() -> None:
    """The first answers take seconds, in which the job would seem to last for days."""
    assert "6 min 40 s left" in shown(at(0, 0), at(2, 1))[1]
    assert "1 h 06 min left" in shown(at(0, 0), limits=Limits(images_per_second=100))[1]
    assert shown(at(0, 0), at(0.5, 300))[1] == "6 min 40 s left"
    assert "6 min 40 s left" in shown(at(0, 0), at(2, 0))[1]
    assert "left" not in "".join(shown(at(0, 0), limits=None))
    assert "left" not in "".join(shown(*(at(s, s, total=None) for s in range(9))))


def test_no_time_is_told_by_which_all_should_have_been_read() -> None:
    """While every image has to be sent again, the limit is no guide to the end of a short list."""
    for seconds in range(9):
        moments = [at(moment, 0, total=60) for moment in range(1, seconds + 2)]
        assert "left" not in sentence(moments[-1], watched(*moments))
    assert "0 s left" in sentence(at(2, 30, total=60), watched(at(1, 0), at(2, 30)))


def test_a_job_that_slows_down_shows_it_soon() -> None:
    """The pace is that of the last seconds, not of the hours before."""
    slow = [at(20 + seconds, 18_240 + 10 * seconds) for seconds in range(1, 17)]
    assert shown(*STEADY, *slow)[1].startswith("10 images/s")


def test_a_job_at_which_nothing_happens_says_for_how_long() -> None:
    """It does not look dead."""
    still = [at(20 + seconds, 18_240) for seconds in range(1, 31)]
    assert shown(*STEADY, *still)[1] == "no result for 30 s"


def test_the_pace_of_this_machine_is_told_by_the_picture() -> None:
    """One takes it seconds, and that a while goes by without any is no news."""
    slow = [at(seconds, seconds // 30, total=40, exact=True) for seconds in range(80)]
    assert shown(*slow, limits=None)[1:] == ["40 s per image  25 min left"]
    assert shown(*slow[:25], limits=None)[1:] == []


def test_the_limit_that_is_nearer_is_shown() -> None:
    """Of requests or of images."""
    limits = Limits(images_per_second=1_000)
    assert "91% of the limit" in shown(*STEADY, limits=limits)[1]
    assert "limit" not in "".join(shown(*STEADY, limits=None))


def test_a_line_for_a_file_says_it_all() -> None:
    """It can be read without the line before."""
    troubled = at(20, 18_240, failed={"404": 4, "592": 8}, stats={"throttled": 3}, budget=99_999)
    assert sentence(troubled, watched(*STEADY[:-1], troubled)) == (
        "18,240 of ~400,000 rows (4%), 912 images/s, 9.1 of 10 requests/s, 1 min 30 s left, "
        "budget for 81,759 more, 3 throttled, 12 failed: 8 × 592, 4 × 404"
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_bar_is_drawn_with_what_the_terminal_has(encoding: str) -> None:
    """An escaped sign is six columns wide."""
    bar, *facts = shown(*STEADY, encoding=encoding)
    assert "".join([bar, *facts]).encode(encoding)
    assert ("━" in bar) == (encoding == "utf-8")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.6, "1 min 00 s"),
        (61, "1 min 01 s"),
        (3599, "59 min"),
        (3600, "1 h 00 min"),
        (86_400, "24 h 00 min"),
        (200_000, "2 d 7 h"),
    ],
)
def test_a_time_is_said_in_its_two_largest_units(seconds: float, words: str) -> None:
    """And never as 60 of anything."""
    assert duration(seconds) == words


def test_no_time_left_is_told_by_a_limit_that_is_not_in_force() -> None:
    """In the first seconds the documented rate is a guess; a refusal shows that it is too high."""
    start, early = at(0, 0), at(2, 20)
    assert watched(start, early).left(early) == pytest.approx(400, rel=0.01)
    refused = at(2, 20, stats={"throttled": 91})
    assert watched(start, refused).left(refused) is None
    later = at(20, 200, stats={"throttled": 91})
    assert watched(start, later).left(later) == pytest.approx(39_980, rel=0.01)
