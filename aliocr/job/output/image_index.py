"""Index of the images of a job: find the first row of an image by the digest of its source.

Digests come in random order. If each digest were inserted immediately, each would change another
page of 4 KB, and SQLite writes each page twice: 8 GB for a million images. So new digests are first
appended to a second table and held in memory. Tens of thousands of digests are then sorted and
inserted together, so that many digests change the same page.
"""

from __future__ import annotations

import sqlite3

SORTED_AT_ONCE = 50_000
"""Number of digests that are inserted together; they take 8 MB of memory. With 20,000
instead of 50,000 digests, SQLite writes twice as many bytes in all."""


class ImageIndex:
    """The tables `images` and `late` of the journal; `late` has the digests not yet in `images`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        # `late` may have a digest several times; the last entry has the first row of the image.
        late = db.execute("SELECT source, row FROM late ORDER BY rowid")
        self._late: dict[bytes, int] = dict(late)
        self._new: list[tuple[bytes, int]] = []

    def first(self, digest: bytes, row: int) -> int:
        """Return the first row of an image; this is `row` if no earlier row has the image."""
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
        """Write the new digests within a transaction; call `written` after the commit."""
        self._db.executemany("INSERT INTO late VALUES (?, ?)", self._new)
        if len(self._late) >= SORTED_AT_ONCE:
            self._db.execute(
                """INSERT INTO images SELECT source, row FROM late WHERE true ORDER BY source
                ON CONFLICT DO UPDATE SET row = excluded.row WHERE excluded.row < row"""
            )
            self._db.execute("DELETE FROM late")

    def written(self) -> None:
        """Forget the new digests, and all digests of `late` if they are now in `images`."""
        self._new.clear()
        if len(self._late) >= SORTED_AT_ONCE:
            self._late.clear()
