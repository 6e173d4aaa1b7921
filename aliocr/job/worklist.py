"""The desk of a job, at which rows become images, and outcomes results.

All of it may block, and is called by one thread at a time, but for `keep` and `write`, which are
quick, and called by another.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import attrs

from aliocr.errors import APIError, without_query
from aliocr.job.budget import Bill
from aliocr.job.input.prefetch import RowBatch
from aliocr.job.input.rows import BAD_ROW, BadRow, Row, RowOrBad
from aliocr.job.output.ledger import Ledger
from aliocr.job.output.result import Read, Result, Unread
from aliocr.job.output.rowset import RowSet
from aliocr.job.sources import Sources
from aliocr.job.summary import Failed
from aliocr.models import Frame, Image, Outcome


@attrs.frozen
class Wanted:
    """A row whose image is to be read.

    Args:
        row: The row.
        image: Its image.
        digest: Stands for the image among all of the job.
    """

    row: Row
    image: Image
    digest: bytes


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
        duplicates: Rows that got the result of an equal one, in all runs.
    """

    def __init__(self, ledger: Ledger, sources: Sources, *, alone: bool, whole_urls: bool) -> None:
        self._ledger = ledger
        self._journal = ledger.journal
        self._sources = sources
        self._whole_urls = whole_urls
        self._only = RowSet(self._journal.retries()) if alone else None
        self._last = math.inf if self._only is None else self._only.most or 0
        first = (self._only and self._only.least) or self._journal.facts.through + 1
        self.start = self._journal.checkpoint_before(first)
        before = self.start.number if self.start else 0
        self._reached = before
        self.seen = self._journal.digests(after=before)
        # Rows that are equal to one that is being read, by the digest of their source.
        self._waiting: dict[bytes, list[Row]] = {}
        self._kept: list[tuple[Wanted, Result]] = []
        self._written: deque[tuple[Wanted, Result]] = deque()
        self.duplicates = self._journal.facts.duplicates

    @property
    def bill(self) -> Bill:
        """What was spent, as was last written down."""
        facts = self._journal.facts
        return Bill(facts.charged, facts.spent)

    def counts(self) -> tuple[int, tuple[Failed, ...]]:
        """How many rows were read, and how many failed in which way, in all runs."""
        counts = self._journal.counts()
        read = sum(rows for kind, _, rows in counts if not kind)
        failed = (Failed(kind, code or None, rows) for kind, code, rows in counts if kind)
        return read, tuple(failed)

    @property
    def is_whole(self) -> bool:
        """Whether every row is done, as far as can be told from those that this run has seen."""
        facts = self._journal.facts
        return self._only is None or facts.through >= facts.total > 0

    @property
    def copies_waiting(self) -> int:
        """Rows that wait for the outcome of an equal one."""
        return sum(map(len, self._waiting.values()))

    def draw(self, batch: RowBatch) -> Drawn:
        """Look at rows, and write at once what becomes of those that need not be read.

        Args:
            batch: The rows.

        Raises:
            JobError: There is no room for results.
        """
        with self._ledger.writing():
            return self._drawn(batch)

    def _drawn(self, batch: RowBatch) -> Drawn:
        wanted: list[Wanted] = []
        written: list[Result] = []
        for row in batch.rows:
            asked_for = self._only is None or row.number in self._only
            if asked_for and not self._ledger.has(row.number):
                match self._looked_at(row):
                    case Wanted() as image:
                        wanted.append(image)
                    case Read() | Unread() as result:
                        written.append(result)
                    case None:
                        pass
        for checkpoint in batch.checkpoints:
            self._journal.add_checkpoint(checkpoint)
        self._ledger.write(written)
        if batch.rows:
            self._reached = batch.rows[-1].number
        else:
            self._journal.total = self._reached
        last = not batch.rows or batch.rows[-1].number >= self._last
        return Drawn(tuple(wanted), tuple(written), last)

    def keep(self, wanted: Wanted, outcome: Outcome) -> Result:
        """What became of an image, to be written next."""
        result = self._result(wanted.row, outcome)
        self._kept.append((wanted, result))
        return result

    def write(self) -> None:
        """Write what was kept, so that not even the end of this process takes it back.

        Raises:
            JobError: There is no room for it.
        """
        kept, self._kept = self._kept, []
        self._ledger.write([result for _, result in kept])
        self._written += kept

    def settle(self, bill: Bill) -> Sequence[Result]:
        """Make lasting what was written, and give their results to rows that wait for an equal.

        Args:
            bill: What was spent so far.

        Returns:
            The results of those that waited.

        Raises:
            JobError: There is no room.
        """
        written = [self._written.popleft() for _ in range(len(self._written))]
        copies = [
            self._copy(result, equal)
            for wanted, result in written
            for equal in self._waiting.pop(wanted.digest)
        ]
        self._ledger.write(copies)
        self._ledger.settle(bill, duplicates=self.duplicates)
        return copies

    @property
    def unsettled(self) -> int:
        """Outcomes that were kept and are not lasting yet."""
        return len(self._kept) + len(self._written)

    def close(self) -> None:
        """Let go of the output.

        Raises:
            JobError: It could not be written to its end.
        """
        self._ledger.close()

    def _looked_at(self, row: RowOrBad) -> Wanted | Result | None:
        """Its image, if that is to be read; its result, if not; None if it waits for an equal."""
        if isinstance(row, BadRow):
            return self._refusal(row, row.problem)
        digest = row.digest
        if digest in self._waiting:
            self._waiting[digest].append(row)
            return None
        first = self._journal.first(digest, row.number)
        if first != row.number and (result := self._ledger.result(first)) is not None:
            return self._copy(result, row)
        try:
            image = self._sources.image(row.source)
        except ValueError as error:
            return self._refusal(row, str(error))
        self._waiting[digest] = []
        return Wanted(row, image, digest)

    def _refusal(self, row: RowOrBad, problem: str) -> Result:
        return Unread(
            row=row.number,
            line=row.line,
            id=row.id,
            # Nobody knows what it was meant to be, so a key may be in it in any way.
            source=row.source if self._whole_urls else without_query(row.source),
            kind=BAD_ROW,
            error=problem,
        )

    def _copy(self, result: Result, row: Row) -> Result:
        """The result of an equal row, which cost nothing more."""
        self.duplicates += 1
        own = attrs.evolve(result, row=row.number, line=row.line, id=row.id)
        return attrs.evolve(own, maybe_charged=False) if isinstance(own, Unread) else own

    def _result(self, row: Row, outcome: Outcome) -> Result:
        if outcome.ok:
            return Read(
                row=row.number,
                line=row.line,
                id=row.id,
                source=self._shown(row.source),
                text=outcome.text,
                regions=outcome.regions,
                frames=tuple(map(self._frame, outcome.frames)),
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
            source=self._shown(row.source),
            kind=type(error).__name__,
            code=error.code if isinstance(error, APIError) else None,
            error=str(error),
            maybe_charged=error.maybe_charged,
            request_id=error.request_id,
        )

    def _shown(self, source: str) -> str:
        """The query of a signed URL is a key to the image, and stays out of files."""
        whole = self._whole_urls or self._sources.is_file(source)
        return source if whole else without_query(source)

    def _frame(self, frame: Frame) -> Frame:
        if frame.url is None or self._whole_urls:
            return frame
        return attrs.evolve(frame, url=without_query(frame.url))
