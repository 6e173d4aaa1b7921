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

    `check` raises a `ValueError` with the reason if a source is no image; `done` returns True if
    the row of this number is in the output already. The reader is not closed.

    Raises:
        InputError: The input cannot be read.
        OSError: There is no room for the temporary file in which images are counted.
    """
    counts = _RowCounts()
    images = _different(counts.keys(reader, check, done))
    requests = math.ceil(images / limits.images_per_request)
    # Requests leave evenly spaced; as many images as one second allows may leave at once.
    seconds = max(0, requests - 1) / limits.requests_per_second
    if limits.images_per_second is not None:
        seconds = max(seconds, images / limits.images_per_second - 1)
    return Plan(
        taken=reader.description,
        rows=counts.rows,
        done=counts.done,
        bad=counts.bad,
        bad_rows=tuple(counts.bad_rows),
        images=images,
        duplicates=counts.rows - counts.done - counts.bad - images,
        requests=requests,
        seconds=seconds,
        charged_most=images * frames,
    )


class _RowCounts:
    def __init__(self) -> None:
        self.rows = self.done = self.bad = 0
        self.bad_rows: list[BadRow] = []

    def keys(
        self, reader: Reader, check: Callable[[str], None], done: Callable[[int], bool]
    ) -> Iterator[tuple[bytes, bool]]:
        """Count each row; yield the digest of each image, and True if its row is done."""
        for row in reader:
            self.rows += 1
            is_done = done(row.number)
            self.done += is_done
            if isinstance(row, Row):
                try:
                    check(row.source)
                except ValueError as error:
                    bad = BadRow(row.number, row.source, str(error), row.id, row.line)
                else:
                    yield row.digest, is_done
                    continue
            else:
                bad = row
            if not is_done:
                self.bad += 1
                if len(self.bad_rows) < BAD_SHOWN:
                    self.bad_rows.append(attrs.evolve(bad, source=without_query(bad.source)))


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
