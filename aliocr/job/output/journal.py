"""The journal of a job: a SQLite file beside the output, which says what is in that.

    sqlite3 results.jsonl.journal 'SELECT * FROM summary'

Results are appended to the output and synced, and then the journal says where they are: so what it
says is there. What is behind that, when a job was killed between the two, is whole records, which
are taken up, and at most a part of one, which is cut off.
"""

from __future__ import annotations

import os
import sqlite3
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import attrs

from aliocr.job.input.rows import Checkpoint
from aliocr.job.output.facts import Facts
from aliocr.job.output.image_index import Images
from aliocr.job.output.result import Result, decoded, encoded
from aliocr.job.output.rowset import RowSet

VERSION = 1

SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
-- The rows of the input that are in the output: where, and if they failed, how.
CREATE TABLE rows (row INTEGER PRIMARY KEY, place INTEGER NOT NULL, kind TEXT, code);
-- The rows that are to be read once more.
CREATE TABLE retries (row INTEGER PRIMARY KEY);
-- The first row of each image, by a digest of its source, and those that are to be sorted in.
CREATE TABLE images (source BLOB PRIMARY KEY, row INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE late (source BLOB NOT NULL, row INTEGER NOT NULL);
-- Places from which the input can be read on.
CREATE TABLE marks (row INTEGER PRIMARY KEY, "offset" INTEGER, line INTEGER, digest TEXT);
-- The pictures of a folder, in the order in which they were first seen.
CREATE TABLE names (row INTEGER PRIMARY KEY, name TEXT NOT NULL);
-- Results on their way to an output that cannot be appended to.
CREATE TABLE results (row INTEGER PRIMARY KEY, result TEXT NOT NULL);
-- How many rows there are of each kind and code; both are empty for those that were read.
CREATE TABLE summary (kind TEXT, code, rows INTEGER NOT NULL, PRIMARY KEY (kind, code));
"""

CACHE_KIBIBYTES = 8_192
"""Holds the digests of some 250,000 images; beyond that the system's cache does."""


class JournalError(Exception):
    """The file is no journal of a job, or of another version."""


class Journal:
    """One job's journal. Who writes it has it locked, and uses it in one thread at a time.

    Args:
        path: The file; if it is written, an empty one becomes a journal.
        settings: What makes rows mean what they mean, of a job that begins.
        writes: Whether it is written, or only looked into.

    Raises:
        JournalError: It is none.
        sqlite3.Error: It cannot be read or written.
    """

    def __init__(self, path: Path, settings: str, *, writes: bool = True) -> None:
        self._total = 0
        # Autocommit: what belongs together is committed together, in `change`.
        self._db = sqlite3.connect(
            # Not read-only even to look: what SQLite puts beside the file would stay there.
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            self._begin(settings, writes=writes)
        except sqlite3.DatabaseError as error:
            self._db.close()
            if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
                raise JournalError("it is no SQLite file") from error
            raise
        except BaseException:
            self._db.close()
            raise

    def _begin(self, settings: str, *, writes: bool) -> None:
        db = self._db
        if writes:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        (tables,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if not tables:
            # In one transaction with the first facts: if killed here, it was never begun.
            db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {VERSION};")
        elif version != VERSION:
            raise JournalError("it is of another program, or of another version of this one")
        self._images = Images(db)
        if not tables:
            self.facts = Facts(settings)
            with self.change():
                pass
        else:
            known = dict(db.execute("SELECT name, value FROM facts"))
            flags = {name: bool(known[name]) for name in ("replacing", "published")}
            self.facts = Facts(**known | flags)

    @property
    def total(self) -> int:
        """Rows of the input, to be lasting with the next `change`; 0 if nobody knows yet."""
        return self._total or self.facts.total

    @total.setter
    def total(self, rows: int) -> None:
        self._total = rows

    @contextmanager
    def change(self, **facts: Any) -> Iterator[dict[str, Any]]:
        """All that is done in this block, and these facts, become lasting together or not at all.

        Yields:
            The facts, to which more may be added.
        """
        db = self._db
        self.begin()
        try:
            yield facts
            self._images.write()
            changed = attrs.evolve(self.facts, **{"total": self.total} | facts)
            values = attrs.asdict(changed).items()
            db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", values)
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        self.facts = changed
        self._images.written()

    def begin(self) -> None:
        """Open a transaction for what the next `change` makes lasting."""
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")

    # --- rows -------------------------------------------------------------------------------------

    def add(self, results: Sequence[Result], places: Sequence[int]) -> None:
        """Results that stand in the output now; within `change`."""
        kinds = [(None, None) if result.ok else (result.kind, result.code) for result in results]
        rows = [
            (result.row, place, kind, code)
            for result, place, (kind, code) in zip(results, places, kinds, strict=True)
        ]
        self._db.executemany("INSERT INTO rows VALUES (?, ?, ?, ?)", rows)
        self._db.executemany("DELETE FROM retries WHERE row = ?", [(row,) for row, *_ in rows])
        self._db.executemany(
            """INSERT INTO summary VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET rows = rows + excluded.rows""",
            [(kind or "", code or "", rows) for (kind, code), rows in Counter(kinds).items()],
        )

    def place(self, row: int) -> int | None:
        """Where the result of a row stands in the output; None if it does not."""
        found = self._db.execute("SELECT place FROM rows WHERE row = ?", (row,)).fetchone()
        return None if found is None else found[0]

    def rows(self, after: int = 0) -> Iterator[int]:
        """The rows from some row on that are in the output, in order."""
        query = "SELECT row FROM rows WHERE row > ? ORDER BY row"
        return chain.from_iterable(self._db.execute(query, (after,)))

    def done(self) -> RowSet:
        """All rows that are in the output."""
        through = self.facts.through
        return RowSet(self.rows(after=through), through=through)

    @property
    def last_row(self) -> int:
        """The highest number of a row that is in the output; 0 if none is."""
        (row,) = self._db.execute("SELECT coalesce(max(row), 0) FROM rows").fetchone()
        return int(row)

    def counts(self) -> list[tuple[str, int | str, int]]:
        """How many rows there are of each kind and code, both empty for those read; most first."""
        query = "SELECT kind, code, rows FROM summary ORDER BY rows DESC, kind, code"
        return self._db.execute(query).fetchall()

    def cut(self, length: int) -> None:
        """Forget the rows behind an offset of the output; within `change`."""
        db = self._db
        db.execute("DELETE FROM rows WHERE place >= ?", (length,))
        db.execute("DELETE FROM summary")
        db.execute(
            """INSERT INTO summary SELECT coalesce(kind, ''), coalesce(code, ''), count(*)
            FROM rows GROUP BY kind, code"""
        )

    def last_before(self, length: int) -> tuple[int, int] | None:
        """The last place before an offset of the output, and the row that stands there."""
        query = "SELECT place, row FROM rows WHERE place < ? ORDER BY place DESC LIMIT 1"
        found = self._db.execute(query, (length,)).fetchone()
        return None if found is None else (found[0], found[1])

    # --- failures that are read once more ---------------------------------------------------------

    def failed(self, kinds: frozenset[str]) -> Iterator[int]:
        """The rows that failed in these ways, by the error's name or code; all if none."""
        where, names = _of_kinds(kinds)
        query = f"SELECT row FROM rows WHERE {where} ORDER BY row"  # noqa: S608 - words of ours
        return chain.from_iterable(self._db.execute(query, names))

    def retry(self, kinds: frozenset[str]) -> array[int]:
        """Read the rows once more that failed in these ways; within `change`.

        Returns:
            The places at which they stood, in order.
        """
        db = self._db
        where, names = _of_kinds(kinds)
        again = f"FROM rows WHERE {where}"
        query = f"SELECT place {again} ORDER BY place"
        places = array("q", chain.from_iterable(db.execute(query, names)))
        db.execute(f"INSERT OR IGNORE INTO retries SELECT row {again}", names)
        db.execute(f"DELETE {again}", names)
        db.execute(f"DELETE FROM summary WHERE {where}", names)  # noqa: S608 - all of a kind go
        db.execute("DELETE FROM results WHERE row IN (SELECT row FROM retries)")
        return places

    def close_up(self, gone: Iterable[tuple[int, int]]) -> None:
        """Have rows move up, as parts of the output are gone; within `change`.

        Args:
            gone: Where each part stood, and bytes that are gone up to and with it.
        """
        db = self._db
        db.execute("CREATE TEMP TABLE gone (place INTEGER PRIMARY KEY, bytes INTEGER NOT NULL)")
        db.executemany("INSERT INTO gone VALUES (?, ?)", gone)
        db.execute(
            """UPDATE rows SET place = place - (
                SELECT bytes FROM gone WHERE gone.place < rows.place ORDER BY place DESC LIMIT 1
            ) WHERE place > (SELECT min(place) FROM gone)"""
        )
        db.execute("DROP TABLE gone")

    def retries(self) -> Iterator[int]:
        """The rows that are to be read once more, in order."""
        return chain.from_iterable(self._db.execute("SELECT row FROM retries ORDER BY row"))

    # --- the input --------------------------------------------------------------------------------

    def first(self, digest: bytes, row: int) -> int:
        """The row at which an image was first met; it is this one if it was not met before."""
        return self._images.first(digest, row)

    def add_checkpoint(self, checkpoint: Checkpoint) -> None:
        """A place from which the input can be read on."""
        self.begin()
        self._db.execute(
            "INSERT OR IGNORE INTO marks VALUES (?, ?, ?, ?)",
            (checkpoint.number, checkpoint.offset, checkpoint.line, checkpoint.digest),
        )

    def last_checkpoint(self) -> Checkpoint | None:
        """The last checkpoint of all; None if nothing has been read."""
        return self.checkpoint_before(2**62)

    def checkpoint_before(self, row: int) -> Checkpoint | None:
        """The last checkpoint with fewer rows before it than this; None for the beginning."""
        query = """SELECT row, "offset", line, digest FROM marks WHERE row < ?
            ORDER BY row DESC LIMIT 1"""
        found = self._db.execute(query, (row,)).fetchone()
        return None if found is None else Checkpoint(*found)

    def digests(self, after: int = 0) -> dict[int, str]:
        """What stands for the input up to and with some rows, of those behind a row."""
        query = "SELECT row, digest FROM marks WHERE row > ?"
        return dict(self._db.execute(query, (after,)).fetchall())

    def names(self) -> list[str]:
        """The pictures of a folder, in the order of their rows."""
        query = "SELECT name FROM names ORDER BY row"
        return [os.fsdecode(name) for (name,) in self._db.execute(query)]

    def add_names(self, names: Sequence[str], first: int) -> None:
        """More of them, of which the first has this row; within `change`."""
        numbered = enumerate(map(_storable, names), first)
        self._db.executemany("INSERT INTO names VALUES (?, ?)", numbered)

    # --- results on their way ---------------------------------------------------------------------

    def stage(self, results: Sequence[Result]) -> None:
        """Keep results; lasting with the next `change`."""
        self.begin()
        lines = [(result.row, encoded(result).decode()) for result in results]
        self._db.executemany("INSERT INTO results VALUES (?, ?)", lines)

    def staged(self, row: int = 0) -> Iterator[Result]:
        """The results that are kept, in the order of their rows, from some row on."""
        query = "SELECT result FROM results WHERE row >= ? ORDER BY row"
        return (decoded(line) for (line,) in self._db.execute(query, (row,)))

    def close(self) -> None:
        """Let go of the file; what was not made lasting is forgotten."""
        self._db.close()


def _of_kinds(kinds: frozenset[str]) -> tuple[str, tuple[str, ...]]:
    """A condition for failures of these kinds or codes, all if none, and what it compares with."""
    # In the table of rows those that were read have no kind, in the summary an empty one.
    if not kinds:
        return "kind > ''", ()
    marks = ", ".join("?" * len(kinds))
    where = f"kind > '' AND (kind IN ({marks}) OR CAST(code AS TEXT) IN ({marks}))"
    return where, (*kinds, *kinds)


def _storable(name: str) -> str | bytes:
    """As text, so that a person can read it; a name that is not UTF-8 as its bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name)
    return name
