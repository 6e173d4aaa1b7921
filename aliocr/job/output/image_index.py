"""The first row of each image of a job, in its journal, by a digest of its source.

Digests come in random order. If each were inserted at once, each would change a page of 4 KB, which
SQLite writes twice: 8 GB for a million images. So digests are appended as they come, held in memory
as well, and inserted in order by the ten thousands.
"""

from __future__ import annotations

import sqlite3

SORTED_AT_ONCE = 50_000
"""Digests that wait to be inserted: 8 MB of memory. With 20,000, twice as much is written."""


class ImageIndex:
    """The journal's table `images`, and its table `late` of digests not yet in `images`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        # A digest may be there several times; its last entry has its first row.
        late = db.execute("SELECT source, row FROM late ORDER BY rowid")
        self._late: dict[bytes, int] = dict(late)
        self._new: list[tuple[bytes, int]] = []

    def first(self, digest: bytes, row: int) -> int:
        """Return the first row of an image: this row, unless the image was met before."""
        first = self._late.get(digest)
        if first is None:
            query = "SELECT row FROM images WHERE source = ?"
            found = self._db.execute(query, (digest,)).fetchone()
            first = None if found is None else int(found[0])
        if first is not None and first <= row:
            return first
        self._late[digest] = row
        self._new.append((digest, row))
        return row

    def write(self) -> None:
        """Write the new digests; within a transaction, after which the owner calls `written`."""
        self._db.executemany("INSERT INTO late VALUES (?, ?)", self._new)
        if len(self._late) >= SORTED_AT_ONCE:
            self._db.execute(
                """INSERT INTO images SELECT source, row FROM late WHERE true ORDER BY source
                ON CONFLICT DO UPDATE SET row = excluded.row WHERE excluded.row < row"""
            )
            self._db.execute("DELETE FROM late")

    def written(self) -> None:
        """Forget the digests in memory that the transaction has made lasting."""
        self._new.clear()
        if len(self._late) >= SORTED_AT_ONCE:
            self._late.clear()
