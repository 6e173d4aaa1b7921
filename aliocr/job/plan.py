"""The plan of a job: all rows counted before anything is sent."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice

import attrs

from aliocr.errors import without_query
from aliocr.job.input.rows import BadRow, Reader, Row
from aliocr.limits import Limits

BAD_SHOWN = 20
"""Bad rows that a plan names; the others it counts."""

CACHE_KIBIBYTES = 8192
"""Memory for counting; the rest lies in a temporary file."""

KEYS_AT_ONCE = 10_000
"""Keys written at once."""


@attrs.frozen(kw_only=True)
class Plan:
    """A job's work in numbers. Each row is one of `done`, `bad`, `images` and `duplicates`.

    Args:
        taken: The column that the images are taken from, or the files of a folder left out.
        rows: Rows of the input.
        done: Rows that are in the output already, read or failed.
        bad: Rows that name no image, without those in `done`.
        bad_rows: The first of these, 20 at most; queries of URLs are left out.
        images: Images to send.
        duplicates: Rows with the image of another row, sent or done: read once and charged once.
        requests: Requests for these images, at least: if each request is full.
        seconds: The shortest time possible under the limits. Downloads, retries and an unknown
            quota of the account come on top.
        charged_most: Images that will be charged if each image has as many frames as are asked
            for; if each has one frame, `images`. Repeats after a try that may have been charged
            come on top of both.
    """

    taken: str
    rows: int
    done: int
    bad: int
    bad_rows: tuple[BadRow, ...]
    images: int
    duplicates: int
    requests: int
    seconds: float
    charged_most: int


def planned(
    reader: Reader,
    check: Callable[[str], None],
    limits: Limits,
    *,
    frames: int = 1,
    done: Callable[[int], bool] = lambda _: False,
) -> Plan:
    """Return the plan for all rows of an input, which is read through in flat memory.

    Args:
        reader: The input, at its beginning; not closed.
        check: Raises a `ValueError` with the reason if a source is no image.
        limits: The account's limits.
        frames: Frames asked for of one image, at most.
        done: Returns True if the row of this number, from 1, is in the output already.

    Raises:
        InputError: The input cannot be read.
        OSError: There is no room for the temporary file in which images are counted.
    """
    counts = _RowCounts(check, done)
    images = _different(counts.keys(reader))
    requests = math.ceil(images / limits.images_per_request)
    return Plan(
        taken=reader.description,
        rows=counts.rows,
        done=counts.done,
        bad=counts.bad,
        bad_rows=tuple(counts.bad_rows),
        images=images,
        duplicates=counts.rows - counts.done - counts.bad - images,
        requests=requests,
        seconds=_shortest(images, requests, limits),
        charged_most=images * frames,
    )


class _RowCounts:
    """Rows counted by what is to be done with them."""

    def __init__(self, check: Callable[[str], None], done: Callable[[int], bool]) -> None:
        self._check = check
        self._done = done
        self.rows = 0
        self.done = 0
        self.bad = 0
        self.bad_rows: list[BadRow] = []

    def keys(self, reader: Reader) -> Iterator[tuple[bytes, bool]]:
        """Count each row; yield the digest of each image, and True if its row is done."""
        for given in reader:
            self.rows += 1
            is_done = self._done(given.number)
            self.done += is_done
            row = self._checked(given)
            if isinstance(row, Row):
                yield row.digest, is_done
            elif not is_done:
                self.bad += 1
                if len(self.bad_rows) < BAD_SHOWN:
                    self.bad_rows.append(attrs.evolve(row, source=without_query(row.source)))

    def _checked(self, row: Row | BadRow) -> Row | BadRow:
        if isinstance(row, Row):
            try:
                self._check(row.source)
            except ValueError as error:
                return BadRow(row.number, row.source, str(error), row.id, row.line)
        return row


def _different(keys: Iterator[tuple[bytes, bool]]) -> int:
    """Return how many different keys have no row that is done.

    They are written to a temporary file without an index, and sorted once at the end, in memory
    that the cache bounds: half the time of an index, of which random keys rewrite every page.
    """
    try:
        with closing(sqlite3.connect("", isolation_level=None)) as file:
            file.execute("PRAGMA journal_mode = OFF")
            file.execute("PRAGMA synchronous = OFF")
            file.execute("PRAGMA temp_store = FILE")
            file.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
            file.execute("CREATE TABLE keys (key BLOB, done INTEGER)")
            file.execute("BEGIN")
            while some := list(islice(keys, KEYS_AT_ONCE)):
                file.executemany("INSERT INTO keys VALUES (?, ?)", some)
            query = "SELECT COUNT(*) FROM (SELECT 1 FROM keys GROUP BY key HAVING NOT MAX(done))"
            return int(file.execute(query).fetchone()[0])
    except sqlite3.OperationalError as error:
        raise OSError(
            f"no room to count the images in: {error}; set SQLITE_TMPDIR to a folder with room"
        ) from error


def _shortest(images: int, requests: int, limits: Limits) -> float:
    """Return the seconds from the first request to the last, at least.

    Requests leave evenly spaced; as many images as one second allows may leave at once.
    """
    seconds = max(0, requests - 1) / limits.requests_per_second
    if limits.images_per_second is not None:
        seconds = max(seconds, images / limits.images_per_second - 1)
    return seconds
