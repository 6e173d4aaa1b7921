"""What a job would do, counted before it does anything."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import attrs

from aliocr.errors import without_query
from aliocr.job.input.rows import BadRow, Reader, Row
from aliocr.limits import Limits

BAD_SHOWN = 20
"""Bad rows that a plan names; the others it counts."""

CACHE_KIBIBYTES = 8192
"""What counting may hold in memory; the rest lies in a temporary file."""

KEYS_AT_ONCE = 10_000
"""Keys written at once."""


@attrs.frozen(kw_only=True)
class Plan:
    """What a job would do. Each row is one of `done`, `bad`, `images` and `duplicates`.

    Args:
        taken: What the rows are made of, in words: a column, or what is left out of a folder.
        rows: Rows of the input.
        done: Those that are in the output already, of whatever kind.
        bad: Those of the others that name no image.
        bad_rows: The first of these, 20 at most; queries of URLs are left out.
        images: Images to send.
        duplicates: Rows with the image of another row, sent or done: read once and charged once.
        requests: Requests that takes, at least: all of them full.
        seconds: The shortest time that is possible under the limits. Downloads, retries and the
            account's quota, if it is not known, come on top.
        charged_most: Images that will be charged if all have as many frames as are asked for; if
            none has more than one, it is `images`. Retries of what may have been charged come on
            top of both.
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
    """The plan for all rows of an input, which is read through in flat memory.

    Args:
        reader: The input, at its beginning; not closed.
        check: Raises a `ValueError` for a source that is no image, with the reason.
        limits: The account's.
        frames: Frames asked for of one image, at most.
        done: Whether the row of a number, from 1, is in the output already.

    Raises:
        InputError: The input cannot be read.
        OSError: There is no room for the temporary file that sources are counted in.
    """
    count = _Count(check, done)
    try:
        with closing(_keys()) as keys:
            keys.execute("BEGIN")
            waiting = []
            for key in count.keys(reader):
                waiting.append(key)
                if len(waiting) == KEYS_AT_ONCE:
                    keys.executemany("INSERT INTO keys VALUES (?, ?)", waiting)
                    waiting.clear()
            keys.executemany("INSERT INTO keys VALUES (?, ?)", waiting)
            images = keys.execute(
                "SELECT COUNT(*) FROM (SELECT 1 FROM keys GROUP BY key HAVING NOT MAX(done))"
            ).fetchone()[0]
    except sqlite3.OperationalError as error:
        raise OSError(
            f"no room to count the images in: {error}; name a roomy folder as SQLITE_TMPDIR"
        ) from error
    requests = math.ceil(images / limits.images_per_request)
    return Plan(
        taken=reader.description,
        rows=count.rows,
        done=count.done,
        bad=count.bad,
        bad_rows=tuple(count.bad_rows),
        images=images,
        duplicates=count.rows - count.done - count.bad - images,
        requests=requests,
        seconds=_shortest(images, requests, limits),
        charged_most=images * frames,
    )


class _Count:
    """What is counted on the way; the images themselves are told apart by their keys."""

    def __init__(self, check: Callable[[str], None], done: Callable[[int], bool]) -> None:
        self._check = check
        self._done = done
        self.rows = 0
        self.done = 0
        self.bad = 0
        self.bad_rows: list[BadRow] = []

    def keys(self, reader: Reader) -> Iterator[tuple[bytes, bool]]:
        """The key of each row with an image, and whether that row is done."""
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


def _keys() -> sqlite3.Connection:
    """A table in a temporary file, gone when it is closed.

    Without an index: keys are appended as they come and sorted once at the end, in memory that the
    cache bounds. Half the time of an index, which is written all over for random keys.
    """
    keys = sqlite3.connect("", isolation_level=None)
    keys.execute("PRAGMA journal_mode = OFF")
    keys.execute("PRAGMA synchronous = OFF")
    keys.execute("PRAGMA temp_store = FILE")
    keys.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
    keys.execute("CREATE TABLE keys (key BLOB, done INTEGER)")
    return keys


def _shortest(images: int, requests: int, limits: Limits) -> float:
    """Seconds from the first request to the last, at least.

    Requests leave evenly spaced; of images as many as one second allows may leave at once.
    """
    seconds = max(0, requests - 1) / limits.requests_per_second
    if limits.images_per_second is not None:
        seconds = max(seconds, images / limits.images_per_second - 1)
    return seconds
