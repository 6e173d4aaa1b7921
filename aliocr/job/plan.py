"""The plan of a job: count all rows before any image is sent."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice

import attrs

from aliocr.job.input.rows import BadRow, Reader, Row
from aliocr.limits import Limits
from aliocr.redaction import without_query

BAD_SHOWN = 20
"""Maximum number of bad rows that a plan lists; other bad rows are only counted."""

CACHE_KIBIBYTES = 8192
"""Memory for counting images, in KiB; a temporary file holds the rest."""

KEYS_AT_ONCE = 10_000
"""Number of keys that one SQL call writes to the temporary file."""


@attrs.frozen(kw_only=True)
class Plan:
    """The work of a job, as numbers. `done`, `bad`, `images` and `duplicates` add up to `rows`.

    Args:
        taken: The column of the images; for a folder, the files that are not taken.
        rows: Number of rows of the input.
        done: Number of rows that have a result in the output already: they were read, or failed.
        bad: Number of rows that name no image and are not counted in `done`.
        bad_rows: The first bad rows, 20 at most, without the queries of URLs.
        images: Number of images to send.
        duplicates: Number of rows whose image is counted in `images` or `done` for another row.
            They cost nothing, because this image is read and charged once.
        requests: Number of requests if each request is full of images; there may be more requests.
        seconds: The shortest possible time under the limits, in seconds. Downloads, retries and an
            unknown quota of the account take more time.
        charged_most: Number of charged images if each image has as many frames as are asked for.
            If each image has one frame, the number is `images`. A failed try may be charged, and
            its image is sent again; neither number counts this second charge.
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
    """Return the plan for all rows of an input; the memory used does not grow with the input.

    `check` raises a `ValueError` with the reason if a source is not an image; `done` returns True
    if the row of this number is in the output already. The reader is not closed.

    Raises:
        InputError: The input cannot be read.
        OSError: The disk is too full for the temporary file in which images are counted.
    """
    counts = _RowCounts()
    images = _different(counts.keys(reader, check, done))
    requests = math.ceil(images / limits.images_per_request)
    # The first request is sent immediately, and so are the images that one second allows.
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
        """Count each row; for an image, yield its digest, and True if the row is done."""
        for row in reader:
            self.rows += 1
            is_done = done(row.number)
            self.done += is_done
            if isinstance(row, Row):
                try:
                    check(row.source)
                except ValueError as error:
                    problem = str(error)
                    bad = BadRow(row.number, row.source, problem, row.id, row.line, reader.file)
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
    """Return the number of different keys of which no row is done.

    The keys are written to a temporary file without an index, and sorted once at the end. An index
    would take twice the time, because keys come in random order and each key would rewrite another
    page of the file. The cache size limits the memory.
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
            f"the disk has no room to count the images in a temporary file: {error}; set "
            "SQLITE_TMPDIR to a folder on a disk with room"
        ) from error
