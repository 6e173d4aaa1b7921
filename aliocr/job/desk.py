"""The desk of a job, at which rows become images, and outcomes results.

Everything here blocks, and is called by one thread at a time.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import attrs

from aliocr.errors import APIError, without_query
from aliocr.job.intake import Taken
from aliocr.job.ledger import Ledger
from aliocr.job.record import Read, Result, Unread
from aliocr.job.rows import BadRow, Row, RowOrBad
from aliocr.job.rowset import RowSet
from aliocr.job.sources import Sources
from aliocr.job.summary import Failed
from aliocr.models import Image, Outcome

__all__ = ["Answered", "Desk", "Drawn", "Wanted"]

BAD_ROW = "BadRow"


@attrs.frozen
class Wanted:
    """A row whose image is to be read."""

    row: Row
    image: Image


@attrs.frozen
class Answered:
    """A row whose image has its outcome."""

    row: Row
    outcome: Outcome


@attrs.frozen
class Drawn:
    """What rows of the input have come to.

    Args:
        wanted: Images to read.
        written: Results of rows that need not be read: bad ones, and equals of such as are done.
        last: The rows behind these are not wanted.
    """

    wanted: tuple[Wanted, ...]
    written: Sequence[Result]
    last: bool


class Desk:
    """Draws images from rows, and keeps their results.

    Args:
        ledger: What has become of each row. It is closed with the desk.
        sources: Makes images of rows.
        alone: Read only rows that are to be tried again, and not those that never were.
        whole_urls: Write URLs with their queries.

    Attributes:
        start: Where the input is to be read from; None for its beginning.
        seen: What stood for the input up to and with some rows behind that, when it was read.
        names: The pictures of a folder that have their numbers already, in order.
    """

    def __init__(self, ledger: Ledger, sources: Sources, *, alone: bool, whole_urls: bool) -> None:
        self._ledger = ledger
        self._journal = ledger.journal
        self._sources = sources
        self._whole_urls = whole_urls
        retries = self._journal.retries() if alone else []
        self._only = RowSet(retries) if alone else None
        self._last = max(retries, default=0) if alone else math.inf
        self.start = (
            self._journal.mark_before(retries[0]) if retries else self._journal.resumption()
        )
        before = self.start.number if self.start else 0
        ledger.done = RowSet(self._journal.rows(after=before))
        self.seen = self._journal.digests(after=before)
        self.names = self._journal.names()
        # Rows that are equal to one that is being read, by the digest of their source.
        self._waiting: dict[bytes, list[Row]] = {}
        self._ready: list[Result] = []
        self._copies = 0

    def add_names(self, names: Sequence[str]) -> None:
        """Remember all pictures of a folder, of which the first are known."""
        with self._ledger.writing(), self._journal.change():
            self._journal.add_names(names[len(self.names) :], first=len(self.names) + 1)

    @property
    def spent(self) -> int:
        """Images that were, or may have been, charged, as was last written down."""
        return self._journal.facts.spent

    @property
    def duplicates(self) -> int:
        """Rows that got the result of an equal one, in all runs."""
        return self._journal.facts.duplicates

    def failed(self) -> tuple[int, tuple[Failed, ...]]:
        """How many rows were read, and how many failed in which way, in all runs."""
        counts = self._journal.counts()
        read = sum(rows for kind, _, rows in counts if kind is None)
        return read, tuple(Failed(kind, code, rows) for kind, code, rows in counts if kind)

    @property
    def copies_waiting(self) -> int:
        """Rows that wait for the outcome of an equal one."""
        return sum(map(len, self._waiting.values()))

    def draw(self, taken: Taken, spent: int) -> Drawn:
        """Look at rows, and write at once what becomes of those that need not be read.

        Args:
            taken: The rows.
            spent: Images charged so far.

        Raises:
            JobError: Results could not be written.
        """
        wanted = [image for row in taken.rows for image in self._looked_at(row)]
        for mark in taken.marks:
            self._journal.mark(mark)
        written = self._write(spent) if self._ready else ()
        last = not taken.rows or taken.rows[-1].number >= self._last
        return Drawn(tuple(wanted), written, last)

    def keep(self, answered: Sequence[Answered], spent: int) -> Sequence[Result]:
        """Write what became of rows, and of their equals.

        Args:
            answered: The rows.
            spent: Images charged so far.

        Returns:
            What was written.

        Raises:
            JobError: It found no room.
        """
        for each in answered:
            result = self._result(each)
            self._ready.append(result)
            for equal in self._waiting.pop(_digest(each.row)):
                self._copy(result, equal)
        return self._write(spent)

    def close(self) -> None:
        """Let go of the output.

        Raises:
            JobError: It could not be written to its end.
        """
        self._ledger.close()

    def _looked_at(self, row: RowOrBad) -> tuple[Wanted, ...]:
        """The row if it is to be read; what becomes of others is known, or will be by itself."""
        if row.number in self._ledger.done or not (self._only is None or row.number in self._only):
            return ()
        if isinstance(row, BadRow):
            self._refuse(row, row.problem)
            return ()
        digest = _digest(row)
        if digest in self._waiting:
            self._waiting[digest].append(row)
            return ()
        first = self._journal.first(digest, row.number)
        if first != row.number and (result := self._ledger.result(first)) is not None:
            self._copy(result, row)
            return ()
        try:
            image = self._sources.image(row.source)
        except ValueError as error:
            self._refuse(row, str(error))
            return ()
        self._waiting[digest] = []
        return (Wanted(row, image),)

    def _write(self, spent: int) -> Sequence[Result]:
        results, self._ready = self._ready, []
        copies, self._copies = self._copies, 0
        self._ledger.add(results, spent=spent, duplicates=copies)
        return results

    def _refuse(self, row: RowOrBad, problem: str) -> None:
        self._ready.append(
            Unread(
                row=row.number,
                line=row.line,
                id=row.id,
                source=self._shown(row.source),
                kind=BAD_ROW,
                error=problem,
            )
        )

    def _copy(self, result: Result, row: Row) -> None:
        """The result of an equal row, which cost nothing more."""
        self._copies += 1
        own = attrs.evolve(result, row=row.number, line=row.line, id=row.id)
        if isinstance(own, Unread):
            own = attrs.evolve(own, maybe_charged=False)
        self._ready.append(own)

    def _result(self, answered: Answered) -> Result:
        row, outcome = answered.row, answered.outcome
        source = self._shown(row.source)
        if outcome.ok:
            return Read(
                row=row.number,
                line=row.line,
                id=row.id,
                source=source,
                text=outcome.text,
                regions=outcome.regions,
                frames=outcome.frames,
                label=outcome.label,
                suggestion=outcome.suggestion,
                rate=outcome.rate,
                interval=outcome.image.interval,
                max_frames=outcome.image.max_frames,
                task_id=outcome.task_id,
                request_id=outcome.request_id,
            )
        error = outcome.error
        return Unread(
            row=row.number,
            line=row.line,
            id=row.id,
            source=source,
            kind=type(error).__name__,
            code=error.code if isinstance(error, APIError) else None,
            error=str(error),
            maybe_charged=error.maybe_charged,
            request_id=error.request_id,
        )

    def _shown(self, source: str) -> str:
        """The query of a signed URL is a key to the image, and stays out of files."""
        return source if self._whole_urls or "://" not in source else without_query(source)


def _digest(row: Row) -> bytes:
    return hashlib.blake2b(row.source.encode("utf-8", "surrogatepass"), digest_size=16).digest()
