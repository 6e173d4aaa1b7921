"""Recovery: add results to the journal that are in the output only.

If a job is killed, the journal may lack the last results. If the journal is lost, it lacks all of
them. In both cases the output has the results, so no image is read and charged again.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from io import BytesIO
from itertools import islice
from pathlib import Path

import attrs

from aliocr.job.output.codecs import Codec, JSONLines
from aliocr.job.output.job_state import JobState
from aliocr.job.output.journal import Journal
from aliocr.job.output.result import Result, images_charged
from aliocr.job.output.versions import Version

MOST_AHEAD = 1_000_000
"""Maximum difference between the row of a result and the highest row before it in the output. A job
reads far fewer rows at the same time, so a result with a larger difference is not of this job."""

ENDING_BYTES = 4096
"""Number of bytes before an offset by which a file is known."""

RESULTS_AT_ONCE = 1_000
"""Number of results that are held in memory."""


def take_up(
    journal: Journal, found: Iterable[tuple[Result, int]], path: Path, stage: Version | None = None
) -> int:
    """Add results of the output to the journal, within `change`; return their charges at most.

    Only the input shows which of them are copies of others, so `Worklist` counts what was charged.

    Args:
        journal: Must have none of these results.
        found: The results, each with its place.
        path: The output, for messages.
        stage: Store the results themselves, too, in this version.

    Raises:
        ValueError: The results are not of this job; the message says what to do.
    """
    most = journal.last_row
    charged = 0
    found = iter(found)
    while some := list(islice(found, RESULTS_AT_ONCE)):
        for result, _ in some:
            if not 1 <= result.row <= most + MOST_AHEAD:
                raise ValueError(strange(path))
            most = max(most, result.row)
            charged += images_charged(result) if result.ok else result.maybe_charged
        try:
            journal.add_found(some)
        except (sqlite3.IntegrityError, OverflowError):
            # The journal has a result of this row already; or a code is too large for SQLite, and
            # the service never sends such a code.
            raise ValueError(strange(path)) from None
        if stage:
            journal.stage([result for result, _ in some], stage)
    return charged


def rebuilt(journal: Journal, charged_at_most: int) -> dict[str, int]:
    """Return the changes of the state if a lost journal got all results of the output."""
    return {"unproved": journal.last_row, "charged_at_most": charged_at_most}


def is_partial(record: bytes, codec: Codec) -> bool:
    """Return True if these bytes are the beginning of a record, as a kill leaves it.

    Some file systems leave zeros instead, if a file had grown and its bytes were not written.
    """
    if not record.strip(b"\0"):
        return True
    if isinstance(codec, JSONLines):
        start = b'{"row":'
        return record[-1:] != b"\n" and start.startswith(record[: len(start)])
    is_whole = record.endswith(b"\r\n") and record.count(b'"') % 2 == 0
    starts = re.match(rb"[0-9]+(,|$)", record) is not None
    return starts and not is_whole and not _holds_another(record, codec)


def _holds_another(record: bytes, codec: Codec) -> bool:
    """Return True if whole records follow a quote of CSV that was damaged, and is never closed."""
    for start in re.finditer(rb"\n(?=[0-9]+,)", record):
        with suppress(ValueError):
            codec.decode(next(codec.records(BytesIO(record[start.end() :]))))
            return True
    return False


def ending_of(path: Path, length: int) -> str:
    """Return the hash of the last bytes before an offset, by which a file is known."""
    if not length:
        return ""
    with path.open("rb") as file:
        file.seek(max(0, length - ENDING_BYTES))
        return hashlib.blake2b(file.read(min(length, ENDING_BYTES)), digest_size=16).hexdigest()


def is_known(path: Path, state: JobState) -> bool:
    """Return True if a file has the bytes that the journal knows, whatever comes after them."""
    return path.stat().st_size >= state.length and ending_of(path, state.length) == state.ending


def completed(state: JobState, path: Path, output_format: str, last_found: int) -> JobState:
    """Return the state of a journal of version 2 with the facts that this version lacks.

    Args:
        state: The state that the journal has.
        path: The output.
        output_format: The format of the output.
        last_found: The last row that was found in the output only; 0 if there is none.
    """
    draft = path.with_name(f".{path.name}.draft")
    file = draft if state.replacing and draft.is_file() else path
    size = file.stat().st_size if file.exists() else 0
    length = size if output_format == "parquet" else state.length
    ending = ending_of(file, length) if size >= length else ""
    return attrs.evolve(
        state, output_format=output_format, length=length, ending=ending, unproved=last_found
    )


def strange(path: Path) -> str:
    """Return the message for a file that the journal does not describe."""
    return (
        f"{path} is not what this job has written: restore the file; or remove only its journal, "
        "and the same command makes it again from the results in the file; or remove both to begin "
        "again"
    )


def gone(path: Path) -> str:
    """Return the message for a file that has lost all its results."""
    return (
        f"{path} is gone or empty, but the journal beside it says that it has results: put the "
        "file back, or remove the journal to begin again"
    )
