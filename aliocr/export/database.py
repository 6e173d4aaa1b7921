"""Write an SQLite file with full text, for Datasette, sqlite-utils and programs of one's own.

Datasette and sqlite-utils find the search index of a table by the words `content="pages"`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from aliocr.atomic_file import Draft
from aliocr.export.originals import PictureFiles
from aliocr.export.search_words import search_words
from aliocr.export.table import COLUMNS, values_of, writable
from aliocr.export.tally import ExportTally
from aliocr.job.output.result import Read, Result
from aliocr.models import Region

TYPES = {
    **dict.fromkeys(("row", "line", "interval", "max_frames", "width", "height"), "INTEGER"),
    **dict.fromkeys(("ok", "needs_review", "transient", "maybe_charged"), "INTEGER"),
    **dict.fromkeys(("rate", "turn"), "REAL"),
}
"""The type of each column that is no text. SQLite has no type for true and false: 1 and 0."""

TABLES = f"""
CREATE TABLE pages (
    page INTEGER PRIMARY KEY,
    {", ".join(f'"{name}" {TYPES.get(name, "TEXT")}' for name in COLUMNS)}
);
CREATE TABLE regions (
    page INTEGER REFERENCES pages (page),
    frame INTEGER,
    number INTEGER,
    text TEXT,
    x REAL, y REAL, w REAL, h REAL,
    PRIMARY KEY (page, frame, number)
) WITHOUT ROWID;
CREATE VIEW failures AS
    SELECT page, row, id, source, kind, code, error, transient, maybe_charged
    FROM pages WHERE NOT ok;
CREATE VIRTUAL TABLE pages_fts USING fts5(
    lines, content="pages", content_rowid="page", tokenize="unicode61 remove_diacritics 2"
);
INSERT INTO pages_fts (pages_fts, rank) VALUES ('hashsize', {8 << 20}), ('automerge', 0);
"""  # noqa: S608 - all names are ours
"""Tables, a view of the rows that were not read, and the index, which takes 8 MiB of memory and
merges its parts at the end."""

SETTINGS = """
PRAGMA auto_vacuum = FULL;
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
"""
"""No unused space in the file, and no care for a crash: a draft is written again."""


def write_database(
    rows: Iterable[Result], target: Path, originals: PictureFiles, tally: ExportTally
) -> None:
    """Write the database; see `aliocr.export.formats.Writer`.

    The table `pages` has each row, also those that were not read. `page` counts them, because two
    outputs in one file may have equal numbers of rows. The table `regions` has the pieces of text:
    those of the picture have frame 0, those of captured frames 1 and so on.

    The index has the lines and `search_words` of them. So "rebuild" of the index would lose words.
    """
    del originals
    with Draft(target) as draft:
        with _database(Path(draft.file.name)) as database:
            for page, row in enumerate(rows, 1):
                _insert(database, page, row)
                tally.written += 1
                if not row.ok:
                    tally.remarks["not read; the view failures says why"] += 1
            database.execute("INSERT INTO pages_fts (pages_fts) VALUES ('optimize')")
        draft.place()


@contextmanager
def _database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a new database, and commit it at the end of the block.

    Raises:
        OSError: SQLite cannot write it.
    """
    # Without locks, because no other program knows the draft, and some network drives have none.
    address = f"{path.absolute().as_uri()}?nolock=1"
    try:
        with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as database:
            database.executescript(SETTINGS + TABLES)
            database.execute("BEGIN")
            yield database
            database.execute("COMMIT")
    except sqlite3.Error as error:
        raise OSError(str(error)) from error


INSERT_PAGE = f"INSERT INTO pages VALUES (?{', ?' * len(COLUMNS)})"  # noqa: S608 - the same


def _insert(database: sqlite3.Connection, page: int, row: Result) -> None:
    values = values_of(row)
    database.execute(INSERT_PAGE, (page, *values.values()))
    if not isinstance(row, Read):
        return
    lines = values["lines"]
    database.execute(
        "INSERT INTO pages_fts (rowid, lines) VALUES (?, ?)",
        (page, f"{lines}\n{search_words(lines)}"),
    )
    pieces = [row.regions, *(frame.regions for frame in row.frames)]
    database.executemany(
        "INSERT INTO regions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (page, frame, number, *_region(region))
            for frame, regions in enumerate(pieces)
            for number, region in enumerate(regions, 1)
        ),
    )


def _region(region: Region) -> tuple[str, float, float, float, float]:
    return writable(region.text), region.x, region.y, region.w, region.h
