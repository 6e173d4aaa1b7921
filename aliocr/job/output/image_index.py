"""The first row of each image of a job, in its journal, by a digest of its source.

Digests come in no order. Written where it belongs, each would change a page of 4 KB, which SQLite
writes twice: 8 GB for a million images. So they are appended as they come, held in memory, too, and
sorted in by the ten thousands.
"""

from __future__ import annotations

import sqlite3

SORTED_AT_ONCE = 50_000
"""Digests that wait to be sorted in: 8 MB of memory. With fewer, more is written; with 20,000 twice
as much."""


class Images:
    """The table `images`, and `late`, which holds what is not in it yet.

    Args:
        db: The journal. What is written is lasting once its transaction is.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        # The last one of a digest counts, and is its first row.
        late = db.execute("SELECT source, row FROM late ORDER BY rowid")
        self._late: dict[bytes, int] = dict(late)
        self._new: list[tuple[bytes, int]] = []

    def first(self, digest: bytes, row: int) -> int:
        """The row at which an image was first met; it is this one if it was not met before."""
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
        """Write those that are new; within a transaction, after which there is `written`."""
        self._db.executemany("INSERT INTO late VALUES (?, ?)", self._new)
        if len(self._late) >= SORTED_AT_ONCE:
            self._db.execute(
                """INSERT INTO images SELECT source, row FROM late WHERE true ORDER BY source
                ON CONFLICT DO UPDATE SET row = excluded.row WHERE excluded.row < row"""
            )
            self._db.execute("DELETE FROM late")

    def written(self) -> None:
        """What was written is lasting."""
        self._new.clear()
        if len(self._late) >= SORTED_AT_ONCE:
            self._late.clear()
