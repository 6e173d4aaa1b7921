"""The journal of a job: a SQLite file beside the output, with the place of each result.

    sqlite3 results.jsonl.journal 'SELECT * FROM summary'

Results are first appended to the output and synced, and then added to the journal, so the output
has all results of the journal. If a job is killed between these two steps, the output has more
records than the journal. The next run adds the complete records, and cuts off an incomplete record.
"""

from __future__ import annotations

import json
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
from aliocr.job.output.database import connected, prepared
from aliocr.job.output.image_index import ImageIndex
from aliocr.job.output.job_state import (
    FORGET_UNCOUNTED,
    SCHEMA,
    UNCOUNTED,
    DamagedError,
    JobState,
    JournalError,
    NewerError,
    of_kinds,
    read_state,
)
from aliocr.job.output.result import Result
from aliocr.job.output.rowset import RowSet
from aliocr.job.output.versions import NEWEST, VERSIONS, Version, version_of


class Journal:
    """The journal of one job. If the file is empty, its tables are made, with this state.

    A writer must hold the lock of the job. Only one thread at a time may use the journal. Without a
    path, the journal is in memory. With `wal` False, it has no write-ahead log; see `database`.

    Raises:
        JournalError: The file is not a journal of a version that can go on.
        NewerError: A newer version of aliocr has made it.
        sqlite3.Error: The file cannot be read or written, or is damaged.

    Attributes:
        state: The job's state after the last `change`.
        total: Number of rows of the input; 0 if not known yet. The next `change` commits it.
        is_new: True if this object has made the tables.
        version: The version of the journal.
    """

    def __init__(
        self, path: Path | None, first: JobState, *, writes: bool = True, wal: bool = True
    ) -> None:
        # With a WAL or a rollback journal, the size says nothing: that file has the other pages.
        has_others = path and any(Path(f"{path}{end}").exists() for end in ("-wal", "-journal"))
        size = path.stat().st_size if path and not has_others else 0
        self._db = connected(path)
        try:
            version = _check(self._db, size)
            self.version = version or NEWEST
            if writes:
                self._db = prepared(self._db, path, wal=wal)
            self._begin(first, is_new=version is None, writes=writes)
        except BaseException:
            self._db.close()
            raise

    def _begin(self, first: JobState, *, is_new: bool, writes: bool) -> None:
        db = self._db
        if is_new:
            # Make tables and first state in one transaction. If the process is killed before the
            # end, the file has no tables, and the next run makes them.
            number = NEWEST.number
            db.executescript(
                f"BEGIN IMMEDIATE; {SCHEMA}{UNCOUNTED} PRAGMA user_version = {number};"
            )
        self.state = first if is_new else read_state(db, self.version)
        if writes and not is_new:
            db.executescript(UNCOUNTED)
        self._images = ImageIndex(db)
        self.total = self.state.total
        self.is_new = is_new
        if is_new:
            with self.change():
                pass

    @contextmanager
    def change(self, **state: Any) -> Iterator[dict[str, Any]]:
        """Commit the changes made in this block and the given changes of the state, all or none.

        The block gets these changes as a dict, and may add changes of the state to the dict.
        """
        db = self._db
        self._open_transaction()
        try:
            yield state
            self._images.write()
            changed = attrs.evolve(self.state, total=self.total, **state)
            facts = attrs.asdict(changed)
            values = [(name, facts[name]) for name in facts if name not in self.version.lacks]
            db.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", values)
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        self.state = changed
        self._images.written()

    def binds(self, output: Path) -> bool:
        """Return False if no row has had a result: then any input and options may be given."""
        query = "SELECT EXISTS (SELECT 1 FROM rows) OR EXISTS (SELECT 1 FROM retries)"
        (had,) = self._db.execute(query).fetchone()
        # A run that was killed may have written results that the journal lacks.
        length = output.stat().st_size if output.exists() else 0
        return bool(had) or self.state.replacing or length != self.state.length

    def begin_again(self, settings: str) -> None:
        """Forget the input of runs without a result, but not their charges."""
        self.total = 0
        with self.change(settings=settings, by_ranks=True):
            self._db.execute("DELETE FROM checkpoints")
            self._db.execute("DELETE FROM names")
            self._db.execute("DELETE FROM images")
            self._db.execute("DELETE FROM late")

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

    def add_found(self, found: Sequence[tuple[Result, int]]) -> None:
        """Add results that were in the output only, as `add` does; they are not counted yet."""
        self.add(found)
        rows = [(result.row,) for result, _ in found]
        self._db.executemany("INSERT INTO uncounted VALUES (?)", rows)

    def count_found(self, row: int) -> bool:
        """Return True if a row is to be counted now; the next `change` commits that it is."""
        self._open_transaction()
        return self._db.execute("DELETE FROM uncounted WHERE row = ?", (row,)).rowcount > 0

    @property
    def uncounted(self) -> tuple[int, int] | None:
        """The lowest and the highest row to be counted; None if there is none."""
        low, high = self._db.execute("SELECT min(row), max(row) FROM uncounted").fetchone()
        return None if low is None else (low, high)

    def place(self, row: int) -> int | None:
        """Return the place of a row's result in the output; None if the row has no result."""
        found = self._db.execute("SELECT place FROM rows WHERE row = ?", (row,)).fetchone()
        return None if found is None else found[0]

    def done(self) -> RowSet:
        """Return all rows that are in the output."""
        through = self.state.through
        behind = self._db.execute("SELECT row FROM rows WHERE row > ? ORDER BY row", (through,))
        return RowSet(chain.from_iterable(behind), through=through)

    @property
    def last_row(self) -> int:
        """The highest row in the output; 0 if the output has no rows."""
        (row,) = self._db.execute("SELECT coalesce(max(row), 0) FROM rows").fetchone()
        return int(row)

    def counts(self) -> list[tuple[str, int | str, int]]:
        """Return each kind and code with its number of rows, the highest number first.

        Kind and code are empty for rows that were read.
        """
        query = "SELECT kind, code, rows FROM summary ORDER BY rows DESC, kind, code"
        return self._db.execute(query).fetchall()

    def cut(self, length: int) -> None:
        """Delete the rows whose place is at or after an offset of the output; within `change`."""
        db = self._db
        db.execute("DELETE FROM rows WHERE place >= ?", (length,))
        db.execute(FORGET_UNCOUNTED)
        db.execute("DELETE FROM summary")
        db.execute(
            """INSERT INTO summary SELECT coalesce(kind, ''), coalesce(code, ''), count(*)
            FROM rows GROUP BY kind, code"""
        )

    def last_before(self, length: int) -> tuple[int, int] | None:
        """Return place and row of the last result that begins before an offset of the output."""
        query = "SELECT place, row FROM rows WHERE place < ? ORDER BY place DESC LIMIT 1"
        found = self._db.execute(query, (length,)).fetchone()
        return None if found is None else (found[0], found[1])

    def failed(self, kinds: frozenset[str]) -> Iterator[int]:
        """Return the rows that failed with these kinds or codes; without kinds, all failed rows."""
        where, names = of_kinds(kinds)
        query = f"SELECT row FROM rows WHERE {where} ORDER BY row"  # noqa: S608 - only fixed text
        return chain.from_iterable(self._db.execute(query, names))

    def retry(self, kinds: frozenset[str]) -> array[int]:
        """Move the rows that failed with these kinds or codes to `retries`.

        Call this in a `change` block. Return the places of the results in the output, rising.
        """
        db = self._db
        where, names = of_kinds(kinds)
        again = f"FROM rows WHERE {where}"
        query = f"SELECT place {again} ORDER BY place"
        places = array("q", chain.from_iterable(db.execute(query, names)))
        db.execute(f"INSERT OR IGNORE INTO retries SELECT row {again}", names)
        db.execute(f"DELETE {again}", names)
        db.execute(f"DELETE FROM summary WHERE {where}", names)  # noqa: S608 - only fixed text
        db.execute("DELETE FROM results WHERE row IN (SELECT row FROM retries)")
        db.execute(FORGET_UNCOUNTED)
        return places

    def close_up(self, gone: Iterable[tuple[int, int]]) -> None:
        """Lower the places of rows, because results before them were removed; within `change`.

        `gone` has the place of each removed result, and the size in bytes of this and all removed
        results before it.
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
        """Return the rows to read once more, in rising order."""
        return chain.from_iterable(self._db.execute("SELECT row FROM retries ORDER BY row"))

    def first(self, digest: bytes, row: int) -> int:
        """Return the first row of an image; this is `row` if no earlier row has the image."""
        return self._images.first(digest, row)

    def add_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Add a place in the input from which a run can continue; the next `change` commits it."""
        self._open_transaction()
        self._db.execute(
            "INSERT OR IGNORE INTO checkpoints VALUES (?, ?, ?, ?)", attrs.astuple(checkpoint)
        )

    def last_checkpoint(self, before: int = 2**62) -> Checkpoint | None:
        """Return the last checkpoint before a row; None if there is no checkpoint."""
        query = """SELECT row, "offset", line, digest FROM checkpoints WHERE row < ?
            ORDER BY row DESC LIMIT 1"""
        found = self._db.execute(query, (before,)).fetchone()
        return None if found is None else Checkpoint(*found)

    def digests(self, after: int) -> dict[int, str]:
        """Return the digests of all checkpoints after a row, by the number of rows before each."""
        query = "SELECT row, digest FROM checkpoints WHERE row > ?"
        return dict(self._db.execute(query, (after,)).fetchall())

    def names(self) -> list[str]:
        """Return the names of the pictures of a folder, in the order of their rows."""
        query = "SELECT name FROM names ORDER BY row"
        return [os.fsdecode(name) for (name,) in self._db.execute(query)]

    def add_names(self, names: Sequence[str], first: int) -> None:
        """Add pictures of a folder, which get the row numbers from `first` on; within `change`."""
        numbered = enumerate(map(_text_or_bytes, names), first)
        self._db.executemany("INSERT INTO names VALUES (?, ?)", numbered)

    def stage(self, results: Sequence[Result], version: Version) -> None:
        """Store results in the journal as a version writes them; the next `change` commits them."""
        self._open_transaction()
        lines = [(result.row, encode_json(result, version).decode()) for result in results]
        self._db.executemany("INSERT INTO results VALUES (?, ?)", lines)

    def staged(self, row: int = 0) -> Iterator[Result]:
        """Return the results that `stage` stored, beginning at a row, in the order of the rows."""
        query = "SELECT result FROM results WHERE row >= ? ORDER BY row"
        for (line,) in self._db.execute(query, (row,)):
            try:
                yield decode_json(line)
            except ValueError as error:
                raise DamagedError(f"a result is not readable: {error}") from None

    def staged_version(self) -> Version | None:
        """Return the version in which `stage` stored results; None if there are none."""
        found = self._db.execute("SELECT result FROM results LIMIT 1").fetchone()
        return None if found is None else version_of(json.loads(found[0]))

    def close(self) -> None:
        """Close the file; changes that are not committed are dropped."""
        self._db.close()


def _check(db: sqlite3.Connection, size: int) -> Version | None:
    """Return the version of a journal, None if it has no tables; check what SQLite does not."""
    (number,) = db.execute("PRAGMA user_version").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    (page_size,) = db.execute("PRAGMA page_size").fetchone()
    if tables and number not in VERSIONS:
        (ours,) = db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'state'").fetchone()
        if number > NEWEST.number and ours:
            raise NewerError
        raise JournalError("it comes from another program, or from a version before 2")
    if size % page_size:
        raise DamagedError("it ends within a page")
    return VERSIONS[number] if tables else None


def _text_or_bytes(name: str) -> str | bytes:
    """Return a name as text, so that a person can read it; as bytes if the name is not UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name)
    return name
