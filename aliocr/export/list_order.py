"""Put the rows of an output into the order of the list, as the pages of a book need it.

A job writes its rows as the answers come. The rows wait in a database on the disk, so that memory
does not grow with the job.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing

from aliocr.job.output.codecs import decode_json, encode_json
from aliocr.job.output.result import Result

TABLE = "CREATE TABLE rows (part INTEGER, row INTEGER, result BLOB, PRIMARY KEY (part, row))"

INSERT = "INSERT INTO rows VALUES (?, ?, ?)"


def in_list_order(rows: Iterable[Result]) -> Iterator[Result]:
    """Yield the rows by their number.

    A number that is there already begins another output in the same file; its rows come after.

    Raises:
        OSError: The folder of temporary files is full.
    """
    try:
        with closing(sqlite3.connect("")) as database:  # SQLite removes it, however we end
            database.execute(TABLE)
            part = 0
            for row in rows:
                result = encode_json(row)
                try:
                    database.execute(INSERT, (part, row.row, result))
                except sqlite3.IntegrityError:
                    part += 1
                    database.execute(INSERT, (part, row.row, result))
            for (result,) in database.execute("SELECT result FROM rows ORDER BY part, row"):
                yield decode_json(result)
    except sqlite3.Error as error:
        raise OSError(f"the folder of temporary files: {error}") from error
