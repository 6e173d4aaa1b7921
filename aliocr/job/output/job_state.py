"""State of a job, tables of its journal with their SQL, and the check that a journal is whole."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs

from aliocr.checks import is_count
from aliocr.job.output.versions import NEWEST, Version

SCHEMA = """
CREATE TABLE state (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
-- Rows with a result in the output: the place of the result, and for a failure its kind and code.
CREATE TABLE rows (row INTEGER PRIMARY KEY, place INTEGER NOT NULL, kind TEXT, code);
-- Rows to read once more.
CREATE TABLE retries (row INTEGER PRIMARY KEY);
-- The first row of each image, by a digest of its source; `late` has those not yet in `images`.
CREATE TABLE images (source BLOB PRIMARY KEY, row INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE late (source BLOB NOT NULL, row INTEGER NOT NULL);
-- Places in the input from which a run can continue.
CREATE TABLE checkpoints (row INTEGER PRIMARY KEY, "offset" INTEGER, line INTEGER, digest TEXT);
-- The pictures of a folder, in the order in which they were first found.
CREATE TABLE names (row INTEGER PRIMARY KEY, name TEXT NOT NULL);
-- Results of a Parquet output, because its file is written at the end of the job.
CREATE TABLE results (row INTEGER PRIMARY KEY, result TEXT NOT NULL);
-- Number of rows for each kind and code of failure; rows that were read have empty kind and code.
CREATE TABLE summary (kind TEXT, code, rows INTEGER NOT NULL, PRIMARY KEY (kind, code));
"""

UNCOUNTED = """
-- Rows whose results were found in the output only; they are counted as charged, or as copies, when
-- the input is read. Journals of earlier versions get this table when they are gone on with.
CREATE TABLE IF NOT EXISTS uncounted (row INTEGER PRIMARY KEY);
"""
FORGET_UNCOUNTED = "DELETE FROM uncounted WHERE row NOT IN (SELECT row FROM rows)"
"""SQL to run when rows were deleted."""

_WORDS = {"settings", "output_format", "ending"}
"""The facts of a state that are text; all others are numbers."""


class JournalError(Exception):
    """The file is not a journal of a job, or is a journal of another version."""


class NewerError(Exception):
    """The file is the journal of a newer version of aliocr."""


class DamagedError(sqlite3.DatabaseError):
    """The file is the journal of a job, but a part of it is damaged or missing."""


@attrs.frozen
class JobState:
    """The state that a job keeps from run to run.

    Args:
        settings: The options that decide what a row means; a job continues only with the same
            options.
        output_format: The format of the output.
        length: Offset in the output, in bytes; the journal has all results before this offset. For
            Parquet, the size of the file that was written last.
        ending: A hash of the last bytes before `length`, by which a file is known to be the output.
        through: All rows up to this number have a result in the output.
        charged: Number of images that were charged.
        charged_at_most: Number of images that were charged or may have been charged.
        duplicates: Number of rows that got the result of an equal row.
        replacing: True while a draft replaces the output. If the process is killed meanwhile, the
            next run completes this.
        published: True if the output is Parquet, and its file has all results.
        total: Number of rows of the input; 0 until a run has read the input to its end.
        unproved: Results up to this row were found in the output, and not in the journal. They are
            compared with the input when it is read.
        by_ranks: False if an earlier version of aliocr began the job. That version chose the column
            of the images by another order of names, and its journals do not have this fact.
    """

    settings: str
    output_format: str
    length: int = 0
    ending: str = ""
    through: int = 0
    charged: int = 0
    charged_at_most: int = 0
    duplicates: int = 0
    replacing: bool = False
    published: bool = False
    total: int = 0
    unproved: int = 0
    by_ranks: bool = True


def read_state(db: sqlite3.Connection, version: Version) -> JobState:
    """Return the state that a journal has, after a check of the whole journal.

    Facts that journals of this version lack are empty; `ledger` completes them.

    Raises:
        DamagedError: A page, a table, a fact or a row is damaged or missing.
    """
    # One transaction, because the job may be running and write between two queries.
    db.execute("BEGIN")
    try:
        (said,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if said != "ok":
            raise DamagedError(said.replace("\n", " "))
        if not _tables_of(version) <= _tables(db):
            raise DamagedError("a table is missing, or has other columns")
        state = _state_of(dict(db.execute("SELECT name, value FROM state")), version)
        rows, through, counted = db.execute(
            """SELECT (SELECT count(*) FROM rows), (SELECT count(*) FROM rows WHERE row <= ?),
            (SELECT total(rows) FROM summary)""",
            (state.through,),
        ).fetchone()
        if rows != counted or through != state.through:
            raise DamagedError("rows are missing in it")
        return state
    finally:
        db.execute("ROLLBACK")


@attrs.frozen
class Begun:
    """How a job was begun that has had a result.

    Args:
        earlier: An earlier version of aliocr began it: its settings are in the words of the user.
        by_ranks: As in `JobState`.
    """

    earlier: bool = False
    by_ranks: bool = True


def begun_by(journal: Path, output: Path) -> Begun | None:
    """Return how the job of a journal was begun; None if there is none, or it has had no result.

    The journal is not checked. If it cannot be read, raise `sqlite3.Error`.
    """
    if not journal.exists():
        return None
    uri = f"{journal.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(uri, uri=True)) as db:
        facts = dict(db.execute("SELECT name, value FROM state"))
        if not binds(db, output, facts.get("length"), replacing=bool(facts.get("replacing"))):
            return None
        is_earlier = not str(facts.get("settings")).startswith("{")
        return Begun(is_earlier, bool(facts.get("by_ranks")))


def binds(db: sqlite3.Connection, output: Path, length: int | None, *, replacing: bool) -> bool:
    """Return False if no row of a journal has had a result; see `Journal.binds`."""
    query = "SELECT EXISTS (SELECT 1 FROM rows) OR EXISTS (SELECT 1 FROM retries)"
    (had,) = db.execute(query).fetchone()
    # A run that was killed may have written results that the journal lacks.
    written = output.stat().st_size if output.exists() else 0
    return bool(had) or replacing or written != length


def _state_of(known: dict[str, Any], version: Version) -> JobState:
    lacking = {name: "" if name in _WORDS else 0 for name in version.lacks}
    known = {"by_ranks": 0} | lacking | known
    for fact in attrs.fields(JobState):
        value = known.get(fact.name)
        if not (isinstance(value, str) if fact.name in _WORDS else is_count(value, 0)):
            raise DamagedError(f"it does not say {fact.name!r}")
    flags = {name: bool(known[name]) for name in ("replacing", "published", "by_ranks")}
    return JobState(**{name: known[name] for name in attrs.fields_dict(JobState)} | flags)


def _tables(db: sqlite3.Connection) -> set[tuple[str, str | None]]:
    return set(db.execute("SELECT name, sql FROM sqlite_schema"))


def _tables_of(version: Version) -> set[tuple[str, str | None]]:
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(SCHEMA)
        if version is NEWEST:
            db.executescript(UNCOUNTED)
        return _tables(db)


def of_kinds(kinds: frozenset[str]) -> tuple[str, tuple[str, ...]]:
    """Return an SQL condition for failures of these kinds or codes, and its parameters."""
    # Leave out rows that were read: their kind is NULL in the table `rows`, and empty in `summary`.
    if not kinds:
        return "kind > ''", ()
    marks = ", ".join("?" * len(kinds))
    where = f"kind > '' AND (kind IN ({marks}) OR CAST(code AS TEXT) IN ({marks}))"
    return where, (*kinds, *kinds)


def journal_of(path: Path) -> Path:
    """Return the path of the journal; refuse a path that cannot be the output of a job."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder: give the name of a file")
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {path.parent} for the output: make it first")
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is not a regular file: give another output")
    journal = path.with_name(f"{path.name}.journal")
    # Do not follow a link, because somebody else may have made it to have another file written.
    if journal.is_symlink() or (journal.exists() and not journal.is_file()):
        raise ValueError(f"{journal} is not a regular file: remove it, or give another output")
    return journal
