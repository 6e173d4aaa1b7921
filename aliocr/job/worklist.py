"""The worklist of a job: make images from rows, and make results from outcomes.

If several rows have the same image, it is read for one row, and the other rows get a copy of the
result. For this, the worklist must know all rows and all results, so this module makes images as
well as results.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any

import attrs

from aliocr.columns import of_error, of_image
from aliocr.job.input.prefetch import RowBatch
from aliocr.job.input.rows import BAD_ROW, BadRow, Row, RowOrBad, changed
from aliocr.job.output.job_state import JobState
from aliocr.job.output.ledger import Ledger
from aliocr.job.output.result import Read, Result, Unread
from aliocr.job.output.rowset import RowSet
from aliocr.job.sources import Sources
from aliocr.job.summary import Failed
from aliocr.models import Image, Outcome
from aliocr.redaction import without_query


@attrs.frozen
class PendingRow:
    """A row whose image must be read; rows with equal sources have equal digests."""

    row: Row
    image: Image
    digest: bytes


@attrs.frozen
class TakenRows:
    """Rows taken from the input: rows to read, and rows that have a result already.

    Args:
        pending: Rows whose images must be read.
        written: Results of bad rows, and of rows that are equal to a row with a result.
        last: True if the job needs no rows after these rows.
    """

    pending: tuple[PendingRow, ...]
    written: Sequence[Result]
    last: bool


class Worklist:
    """Makes images from rows, and writes the results of the rows.

    The event loop calls `keep` and `write`, which are quick. The job's thread calls the other
    methods.

    Args:
        ledger: The results so far; closed by the owner of the worklist.
        sources: Makes images from rows.
        alone: Read only the rows to retry, and no new rows.
        whole_urls: Write URLs with their queries.

    Attributes:
        start: The checkpoint from which the input is read; None for the beginning of the input.
        digests: The digests of the input at the checkpoints after `start`, by the number of rows
            before the checkpoint.
        duplicates: Number of rows that got the result of an equal row, in all runs.
    """

    def __init__(self, ledger: Ledger, sources: Sources, *, alone: bool, whole_urls: bool) -> None:
        self.ledger = ledger
        self._journal = ledger.journal
        self._sources = sources
        self._whole_urls = whole_urls
        self._only = RowSet(self._journal.retries()) if alone else None
        self._last = math.inf if self._only is None else self._only.most or 0
        first = (self._only and self._only.least) or self._journal.state.through + 1
        if (uncounted := self._journal.uncounted) is not None:
            first = min(first, uncounted[0])
        self.start = self._journal.last_checkpoint(before=first)
        self._reached = self.start.number if self.start else 0
        self.digests = self._journal.digests(after=self._reached)
        # For each pending row, the other rows with the same source; the key is the source's digest.
        self._equal: dict[bytes, list[Row]] = {}
        # The digest of each pending image: sources that are written differently may name one image,
        # which the session sends once.
        self._digests: dict[Image, bytes] = {}
        self._kept: list[tuple[PendingRow, Result]] = []
        self._written: deque[tuple[PendingRow, Result]] = deque()
        self.duplicates = self._journal.state.duplicates

    @property
    def state(self) -> JobState:
        """The state that was last written to the journal."""
        return self._journal.state

    def counts(self) -> tuple[int, tuple[Failed, ...]]:
        """Return the number of read rows, and the failed rows by kind and code, in all runs."""
        with self.ledger.writing():
            counts = self._journal.counts()
        read = sum(rows for kind, _, rows in counts if not kind)
        failed = (Failed(kind, code or None, rows) for kind, code, rows in counts if kind)
        return read, tuple(failed)

    @property
    def is_whole(self) -> bool:
        """False if this run only tries failed rows again, and other rows may have no result yet."""
        state = self._journal.state
        return self._only is None or state.through >= state.total > 0

    @property
    def copies_waiting(self) -> int:
        """Number of rows that wait for the outcome of an equal row."""
        return sum(map(len, self._equal.values()))

    @property
    def uncommitted(self) -> int:
        """Number of results that `keep` has made and that are not safe on the disk yet."""
        return len(self._kept) + len(self._written)

    def take(self, batch: RowBatch) -> TakenRows:
        """Take rows of the input; write the results of rows that need not be read.

        Args:
            batch: The next rows; the batch has no rows at the end of the input.

        Raises:
            JobError: Results could not be written.
        """
        pending: list[PendingRow] = []
        written: list[Result] = []
        with self.ledger.writing():
            for row in batch.rows:
                if row.number <= self._journal.state.unproved:
                    self._prove(row)
                asked_for = self._only is None or row.number in self._only
                if asked_for and not self.ledger.has(row.number):
                    match self._pending_or_result(row):
                        case PendingRow() as image:
                            pending.append(image)
                        case Read() | Unread() as result:
                            written.append(result)
                        case None:
                            pass
            for checkpoint in batch.checkpoints:
                self._journal.add_checkpoint(checkpoint)
        self.ledger.write(written, copies=True)
        if batch.rows:
            self._reached = batch.rows[-1].number
        else:
            self._check_end()
            self._journal.total = self._reached or self._journal.total
        last = not batch.rows or self._reached >= self._last
        return TakenRows(tuple(pending), tuple(written), last)

    def _pending_or_result(self, row: RowOrBad) -> PendingRow | Result | None:
        """Return a row to read, or its result; None for a row that waits for an equal row."""
        if isinstance(row, BadRow):
            return self._refusal(row, row.problem)
        digest = row.digest
        if digest in self._equal:
            self._equal[digest].append(row)
            return None
        first = self._journal.first(digest, row.number)
        if first != row.number and (result := self.ledger.result(first)) is not None:
            return self._copy(result, row)
        try:
            image = self._sources.image(row.source)
        except ValueError as error:
            return self._refusal(row, str(error))
        if (pending := self._digests.setdefault(image, digest)) != digest:
            self._equal[pending].append(row)
            return None
        self._equal[digest] = []
        return PendingRow(row, image, digest)

    def _prove(self, row: RowOrBad) -> None:
        """Check that a result found in the output is of this row; count it, and remember it."""
        result = self.ledger.result(row.number)
        if result is None:
            return
        is_bad = not result.ok and result.kind == BAD_ROW
        source = self._shown(row.source) if is_bad else self._source_in(result, row)
        # A bad row may have no id although its row has one, or is read now.
        has_id = is_bad or result.id == (row.id or None)
        if _proof(result.source) != _proof(source) or not has_id:
            raise changed(
                "the input", f"the output has the result of another image at row {row.number:,}"
            )
        first = self._journal.first(row.digest, row.number) if isinstance(row, Row) else row.number
        if self._journal.count_found(row.number):
            if first == row.number:
                self.ledger.count_found(result)
            else:
                self.duplicates += 1

    def _check_end(self) -> None:
        unproved = self._journal.state.unproved
        if self._reached < unproved:
            raise changed(
                "the input", f"it ends at row {self._reached:,}, the output has row {unproved:,}"
            )

    def keep(self, pending: PendingRow, outcome: Outcome) -> Result:
        """Make the result of a row from the outcome of its image, for the next `write`."""
        row = pending.row
        source = self._source_of(row)
        own: dict[str, Any] = {"row": row.number, "line": row.line, "id": row.id}
        own |= of_image(outcome.image) | {"source": source}
        result: Result
        if outcome.ok:
            result = Read(
                **own,
                text=outcome.text,
                regions=outcome.regions,
                frames=tuple(
                    attrs.evolve(frame, url=frame.url and self._shown(frame.url))
                    for frame in outcome.frames
                ),
                label=outcome.label,
                suggestion=outcome.suggestion,
                rate=outcome.rate,
                task_id=outcome.task_id,
                request_id=outcome.request_id,
                width=outcome.width,
                height=outcome.height,
                turn=outcome.turn,
            )
        else:
            result = Unread(**own, **of_error(outcome.error))
        self._kept.append((pending, result))
        return result

    def write(self) -> None:
        """Write all kept results, so that they are not lost if this process is killed.

        Raises:
            JobError: The results could not be written.
        """
        kept, self._kept = self._kept, []
        self.ledger.write([result for _, result in kept])
        self._written += kept

    def commit(self, charged_at_most: int) -> Sequence[Result]:
        """Copy the written results for equal rows; make all results safe on the disk.

        Return the copies.

        Raises:
            JobError: The results could not be written.
        """
        # The event loop may write more results during this call; the next call copies them.
        written = [self._written.popleft() for _ in range(len(self._written))]
        copies: list[Result] = []
        for pending, result in written:
            self._digests.pop(pending.image, None)
            copies += [self._copy(result, equal) for equal in self._equal.pop(pending.digest)]
        self.ledger.write(copies, copies=True)
        self.ledger.commit(charged_at_most, duplicates=self.duplicates)
        return copies

    def _refusal(self, row: RowOrBad, problem: str) -> Result:
        return Unread(
            row=row.number,
            line=row.line,
            id=row.id,
            # The source may be a signed URL even if it is not valid, so its key must not be shown.
            source=self._shown(row.source),
            kind=BAD_ROW,
            error=problem,
        )

    def _source_in(self, result: Result, row: RowOrBad) -> str:
        is_bad = not result.ok and result.kind == BAD_ROW
        return self._shown(row.source) if is_bad else self._source_of(row)

    def _source_of(self, row: RowOrBad) -> str:
        is_file = self._sources.is_file(row.source)
        return row.source if is_file else self._shown(row.source)

    def _shown(self, url: str) -> str:
        """Return a URL; remove its secrets, such as a signed query, unless `whole_urls` is set."""
        return url if self._whole_urls else without_query(url)

    def _copy(self, result: Result, row: Row) -> Result:
        """Return a copy of a result for an equal row; the copy is not charged."""
        self.duplicates += 1
        source = self._source_in(result, row)
        own = attrs.evolve(result, row=row.number, line=row.line, id=row.id, source=source)
        return attrs.evolve(own, maybe_charged=False) if isinstance(own, Unread) else own


def _proof(source: str) -> str:
    """Return the part of a source by which a result is known to be of a row.

    Paths may begin at another folder in each run. CSV has other characters in place of those that
    UTF-8 cannot encode.
    """
    return source.rpartition("/")[2].encode("utf-8", "backslashreplace").decode()
