"""The journal of a job: a SQLite file beside the output, which says where each result is.

    sqlite3 results.jsonl.journal 'SELECT * FROM summary'

Results are appended to the output and synced before the journal names them, so all results that the
journal names are there. If a job was killed between the two, the output has further whole records,
which are taken up, and at most a part of one, which is cut off.
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
from aliocr.job.output.codecs import decode_json, encode_json
from aliocr.job.output.image_index import ImageIndex
from aliocr.job.output.result import Result
from aliocr.job.output.rowset import RowSet

VERSION = 2

SCHEMA = """
CREATE TABLE state (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
-- The rows of the input that are in the output: their place, and the kind and code of failures.
CREATE TABLE rows (row INTEGER PRIMARY KEY, place INTEGER NOT NULL, kind TEXT, code);
-- Rows to read once more.
CREATE TABLE retries (row INTEGER PRIMARY KEY);
-- The first row of each image, by a digest of its source; `late` waits to be inserted.
CREATE TABLE images (source BLOB PRIMARY KEY, row INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE late (source BLOB NOT NULL, row INTEGER NOT NULL);
-- Places from which a run can go on in the input.
CREATE TABLE checkpoints (row INTEGER PRIMARY KEY, "offset" INTEGER, line INTEGER, digest TEXT);
-- The pictures of a folder, in the order in which they were first found.
CREATE TABLE names (row INTEGER PRIMARY KEY, name TEXT NOT NULL);
-- Results of an output that is written as a whole, such as Parquet.
CREATE TABLE results (row INTEGER PRIMARY KEY, result TEXT NOT NULL);
-- Rows counted by kind and code of failure; both are empty for rows that were read.
CREATE TABLE summary (kind TEXT, code, rows INTEGER NOT NULL, PRIMARY KEY (kind, code));
"""

CACHE_KIBIBYTES = 8_192
"""Room for the digests of some 250,000 images; the system's cache holds the rest."""


class JournalError(Exception):
    """The file is no journal of a job, or of another version."""


@attrs.frozen
class JobState:
    """The numbers that a job keeps from run to run.

    Args:
        settings: The options that give the rows their meaning; a job goes on only with the same.
        length: Bytes of the output in which the journal knows each row.
        through: All rows up to this one are in the output.
        charged: Images that were charged.
        charged_at_most: These, and all images that may have been charged.
        duplicates: Rows that got the result of an equal one.
        replacing: A copy of the output is about to take its place.
        published: A file that is written as a whole has all results.
        total: Rows of the input, once all of it has been read; 0 before.
    """

    settings: str
    length: int = 0
    through: int = 0
    charged: int = 0
    charged_at_most: int = 0
    duplicates: int = 0
    replacing: bool = False
    published: bool = False
    total: int = 0


class Journal:
    """One job's journal. Its writer has it locked, and uses it in one thread at a time.

    To a writer, an empty file becomes a journal with these settings.

    Raises:
        JournalError: The file is no journal.
        sqlite3.Error: The file cannot be read or written.

    Attributes:
        state: The job's state, as the last `change` left it.
        total: Rows of the input, written with the next `change`; 0 if not known yet.
    """

    def __init__(self, path: Path, settings: str, *, writes: bool = True) -> None:
        # Autocommit: `change` opens the transactions.
        self._db = sqlite3.connect(
            # Not read-only even for a reader: the files that SQLite puts beside it would stay.
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            self._begin(settings, writes=writes)
        except BaseException as error:
            self._db.close()
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
                raise JournalError("it is no SQLite file") from error
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
            # In one transaction with the first state: if killed here, it was never begun.
            db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {VERSION};")
        elif version != VERSION:
            raise JournalError("it is of another program, or of another version of this one")
        self._images = ImageIndex(db)
        self.state, self.total = JobState(settings), 0
        if not tables:
            with self.change():
                pass
        else:
            known = dict(db.execute("SELECT name, value FROM state"))
            flags = {name: bool(known[name]) for name in ("replacing", "published")}
            self.state = JobState(**known | flags)
            self.total = self.state.total

    @contextmanager
    def change(self, **state: Any) -> Iterator[dict[str, Any]]:
        """Make all changes of this block, and these of the state, lasting together or not at all.

        The block may add changes of the state to the dict that it gets.
        """
        db = self._db
        self._open_transaction()
        try:
            yield state
            self._images.write()
            changed = attrs.evolve(self.state, total=self.total, **state)
            values = attrs.asdict(changed).items()
            db.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", values)
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        self.state = changed
        self._images.written()

    def _open_transaction(self) -> None:
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")

    def add(self, written: Sequence[tuple[Result, int]]) -> None:
        """Add results that are in the output, each with its place; within `change`."""
        rows = [
            (result.row, place, *((None, None) if result.ok else (result.kind, result.code)))
            for result, place in written
        ]
        self._db.executemany("INSERT INTO rows VALUES (?, ?, ?, ?)", rows)
        self._db.executemany("DELETE FROM retries WHERE row = ?", [(row,) for row, *_ in rows])
        self._db.executemany(
            """INSERT INTO summary VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET rows = rows + excluded.rows""",
            [
                (kind or "", code or "", number)
                for (kind, code), number in Counter((kind, code) for *_, kind, code in rows).items()
            ],
        )

    def place(self, row: int) -> int | None:
        """Return the place of a row's result in the output; None if it has none."""
        found = self._db.execute("SELECT place FROM rows WHERE row = ?", (row,)).fetchone()
        return None if found is None else found[0]

    def done(self) -> RowSet:
        """Return all rows that are in the output."""
        through = self.state.through
        behind = self._db.execute("SELECT row FROM rows WHERE row > ? ORDER BY row", (through,))
        return RowSet(chain.from_iterable(behind), through=through)

    @property
    def last_row(self) -> int:
        """The highest row in the output; 0 if there is none."""
        (row,) = self._db.execute("SELECT coalesce(max(row), 0) FROM rows").fetchone()
        return int(row)

    def counts(self) -> list[tuple[str, int | str, int]]:
        """Return kind, code and number of rows, most first; both empty for rows that were read."""
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
        """Return the last place before an offset of the output, and its row."""
        query = "SELECT place, row FROM rows WHERE place < ? ORDER BY place DESC LIMIT 1"
        found = self._db.execute(query, (length,)).fetchone()
        return None if found is None else (found[0], found[1])

    def failed(self, kinds: frozenset[str]) -> Iterator[int]:
        """Return the rows that failed in these ways, by the error's name or code; empty for all."""
        where, names = _of_kinds(kinds)
        query = f"SELECT row FROM rows WHERE {where} ORDER BY row"  # noqa: S608 - words of ours
        return chain.from_iterable(self._db.execute(query, names))

    def retry(self, kinds: frozenset[str]) -> array[int]:
        """Move the rows that failed in these ways to `retries`; within `change`.

        Return the places of their results, in order.
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
        """Move the places of rows up, as results before them are gone; within `change`.

        `gone` is the place of each such result, and the bytes gone up to and with it.
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
        """Return the rows to read once more, in order."""
        return chain.from_iterable(self._db.execute("SELECT row FROM retries ORDER BY row"))

    def first(self, digest: bytes, row: int) -> int:
        """Return the first row of an image: this row, unless the image was met before."""
        return self._images.first(digest, row)

    def add_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Add a place from which a run can go on in the input."""
        self._open_transaction()
        self._db.execute(
            "INSERT OR IGNORE INTO checkpoints VALUES (?, ?, ?, ?)", attrs.astuple(checkpoint)
        )

    def last_checkpoint(self, before: int = 2**62) -> Checkpoint | None:
        """Return the last checkpoint with fewer rows before it; None for the beginning."""
        query = """SELECT row, "offset", line, digest FROM checkpoints WHERE row < ?
            ORDER BY row DESC LIMIT 1"""
        found = self._db.execute(query, (before,)).fetchone()
        return None if found is None else Checkpoint(*found)

    def digests(self, after: int) -> dict[int, str]:
        """Return the digests of the input up to some rows, of the checkpoints behind a row."""
        query = "SELECT row, digest FROM checkpoints WHERE row > ?"
        return dict(self._db.execute(query, (after,)).fetchall())

    def names(self) -> list[str]:
        """Return the pictures of a folder, in the order of their rows."""
        query = "SELECT name FROM names ORDER BY row"
        return [os.fsdecode(name) for (name,) in self._db.execute(query)]

    def add_names(self, names: Sequence[str], first: int) -> None:
        """Add pictures of a folder, of which the first has this row; within `change`."""
        numbered = enumerate(map(_text_or_bytes, names), first)
        self._db.executemany("INSERT INTO names VALUES (?, ?)", numbered)

    def stage(self, results: Sequence[Result]) -> None:
        """Keep results; lasting with the next `change`."""
        self._open_transaction()
        lines = [(result.row, encode_json(result).decode()) for result in results]
        self._db.executemany("INSERT INTO results VALUES (?, ?)", lines)

    def staged(self, row: int = 0) -> Iterator[Result]:
        """Return the results kept here, in the order of their rows, from some row on."""
        query = "SELECT result FROM results WHERE row >= ? ORDER BY row"
        return (decode_json(line) for (line,) in self._db.execute(query, (row,)))

    def close(self) -> None:
        """Close the file; changes that are not lasting yet are dropped."""
        self._db.close()


def _of_kinds(kinds: frozenset[str]) -> tuple[str, tuple[str, ...]]:
    """Return an SQL condition for failures of these kinds or codes, and its parameters."""
    # Rows that were read have no kind in the table `rows`, and an empty one in `summary`.
    if not kinds:
        return "kind > ''", ()
    marks = ", ".join("?" * len(kinds))
    where = f"kind > '' AND (kind IN ({marks}) OR CAST(code AS TEXT) IN ({marks}))"
    return where, (*kinds, *kinds)


def _text_or_bytes(name: str) -> str | bytes:
    """Return a name as text, which a person can read; a name that is not UTF-8 as its bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name)
    return name
