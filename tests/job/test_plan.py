"""The plan of a job, before anything is sent."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliocr import Image, Limits
from aliocr.job import plan as plan_module
from aliocr.job.input.opening import opened
from aliocr.job.input.rows import BadRow, Checkpoint, Reader, Row, RowOrBad
from aliocr.job.plan import Plan, planned
from tests.support.listing import piped

LIMITS = Limits()


def check(source: str) -> None:
    """Refuse a source that the service does not take."""
    Image(source)


def plan_of(
    lines: str, limits: Limits = LIMITS, frames: int = 1, done: tuple[int, ...] = ()
) -> Plan:
    """The plan for these lines."""
    reader = piped(lines, "text")
    return planned(reader, check, limits, frames=frames, done=set(done).__contains__)


def urls(count: int) -> str:
    """So many different ones."""
    return "".join(f"http://a/{number}.png\n" for number in range(count))


@attrs.frozen
class Endless(Reader):
    """A list of so many rows that is in no memory."""

    rows: int
    different: int

    def __iter__(self) -> Iterator[RowOrBad]:
        """One URL after the other, and again."""
        for number in range(1, self.rows + 1):
            yield Row(number, f"http://a/{number % self.different}.png")

    @property
    def checkpoint(self) -> Checkpoint:
        """Nowhere."""
        return Checkpoint(0, 0, 0, "")

    @property
    def share(self) -> float | None:
        """Unknown."""
        return None

    def compare(self, checkpoint: Checkpoint) -> None:
        """Nothing."""

    @property
    def description(self) -> str:
        """The name of the rows."""
        return "numbers"

    def close(self) -> None:
        """Nothing is open."""


def test_every_row_is_counted_once() -> None:
    """Rows are done, bad, sent or duplicates; nothing falls between."""
    lines = "http://a/1\nftp://a/2\nhttp://a/1\nhttp://a/3\nhttp://a/4\nhttp://a/3\nhttp://a/4\n"
    plan = plan_of(lines, done=(4,))
    assert (plan.rows, plan.done, plan.bad, plan.images, plan.duplicates) == (7, 1, 1, 2, 3)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=40),
)
def test_the_counts_are_exact(rows: list[tuple[int, bool]]) -> None:
    """Against the plainest way to count, whatever is done already."""
    sources = ["ftp://bad" if image == 0 else f"http://a/{image}" for image, _ in rows]
    done = tuple(number for number, (_, is_done) in enumerate(rows, 1) if is_done)
    plan = plan_of("\n".join(sources), done=done)
    ready = {image for image, is_done in rows if is_done and image}
    images = {image for image, _ in rows if image} - ready
    assert plan.rows == len(rows)
    assert plan.done == len(done)
    assert plan.bad == sum(image == 0 and not is_done for image, is_done in rows)
    assert plan.images == len(images)
    assert plan.rows == plan.done + plan.bad + plan.images + plan.duplicates


def test_bad_rows_are_named_by_their_lines() -> None:
    """The first twenty with what is wrong with them; the rest as a number."""
    plan = plan_of("http://a/1\n\n" + "".join(f"ftp://a/{n}?key\n" for n in range(30)))
    assert plan.bad == 30
    assert len(plan.bad_rows) == 20
    assert plan.bad_rows[0] == BadRow(
        2,
        "ftp://a/0?…",
        "url must start with http:// or https:// (the service downloads the image itself): "
        "'ftp://a/0?…'",
        None,
        3,
    )
    assert "key" not in repr(plan)


def test_what_the_reader_finds_bad_is_bad() -> None:
    """A row of the wrong width and a URL that is none are told alike, with their ids."""
    reader = piped("id,url\n1,x\n2\n3,http://a/1\n", "csv")
    plan = planned(reader, check, LIMITS)
    assert [(row.number, row.line, row.id) for row in plan.bad_rows] == [(1, 2, "1"), (2, 3, None)]
    assert plan.images == 1


@pytest.mark.parametrize(
    ("images", "limits", "requests", "seconds"),
    [
        (0, Limits(), 0, 0.0),
        (1, Limits(), 1, 0.0),
        (100, Limits(), 1, 0.0),
        (101, Limits(), 2, 0.1),
        (2_000, Limits(), 20, 1.9),
        (2_000, Limits(images_per_request=10), 200, 19.9),
        (2_000, Limits(requests_per_second=1), 20, 19.0),
        (2_000, Limits(images_per_second=50), 20, 39.0),
        (20, Limits(images_per_second=50), 1, 0.0),
        (2_000, Limits(images_per_second=1e6), 20, 1.9),
    ],
)
def test_the_limits_say_the_shortest_time(
    images: int, limits: Limits, requests: int, seconds: float
) -> None:
    """No run is faster: requests are spaced, and the account's quota of images is kept."""
    plan = plan_of(urls(images), limits)
    assert plan.requests == requests
    assert plan.seconds == pytest.approx(seconds)


def test_frames_make_a_range_of_what_is_charged() -> None:
    """A GIF is charged by its frames, which nobody knows before it is read."""
    plan = plan_of(urls(7), frames=20)
    assert (plan.images, plan.charged_most) == (7, 140)
    plan = plan_of(urls(7))
    assert (plan.images, plan.charged_most) == (7, 7)


def test_pictures_of_a_folder_are_planned_alike(tmp_path: Path) -> None:
    """Each file that is named as a picture is a row."""
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"")
    plan = planned(opened(tmp_path), lambda _: None, LIMITS)
    assert (plan.rows, plan.images) == (2, 2)


def test_names_that_are_no_text_are_counted_too() -> None:
    """A path in another encoding is a source like any other."""
    reader = opened(io.BytesIO(b"caf\xe9.png\ncaf\xe9.png\ncaf\xe8.png\n"))
    plan = planned(reader, lambda _: None, LIMITS)
    assert (plan.images, plan.duplicates) == (2, 1)


def test_a_long_list_is_counted_in_flat_memory() -> None:
    """Duplicates among many are found exactly, though no set of them is held."""
    resource = pytest.importorskip("resource")
    unit = 1 if sys.platform == "darwin" else 1024  # bytes
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    plan = planned(Endless(400_000, 399_000), lambda _: None, LIMITS)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert (plan.images, plan.duplicates) == (399_000, 1_000)
    assert grown * unit < 30_000_000  # a set of keys takes 45 MB


def test_no_room_for_the_count_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is one sentence that says what to do."""
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(plan_module, "CACHE_KIBIBYTES", 16)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, hard))
    try:
        with pytest.raises(OSError, match=r"no room to count the images .*SQLITE_TMPDIR"):
            planned(Endless(20_000, 20_000), lambda _: None, LIMITS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
