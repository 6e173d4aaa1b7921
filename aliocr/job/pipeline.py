"""One run of a job, as a pipeline of four stages.

The feeder takes rows from the worklist and gives their images to the session's stream. The taker
takes outcomes from the stream. The writer writes new results to the output, once per round of the
event loop. The committer makes written results safe on the disk. The job has one thread of its
own for work that waits for the disk.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from aliocr.job.budget import ChargeBudget
from aliocr.job.circuit_breaker import CircuitBreaker
from aliocr.job.errors import JobError
from aliocr.job.input.first_rows import FirstRows
from aliocr.job.input.opening import RunInput
from aliocr.job.input.prefetch import Prefetch
from aliocr.job.output.result import Result
from aliocr.job.sources import Sources
from aliocr.job.summary import Failed, Progress, Summary
from aliocr.job.worklist import PendingRow, Worklist
from aliocr.models import Image, Outcome
from aliocr.session import Session

T = TypeVar("T")

ROWS_AT_ONCE = 200
"""Maximum number of rows taken from the input in one step. The session's stream keeps
200 images waiting, too."""

MOST_UNCOMMITTED = 2_000
"""Maximum number of results that are not safe on the disk yet. If there are more, the taker waits
for the committer."""

MOST_COPIES = 10_000
"""Maximum number of rows that wait for the outcome of an equal row. If there are more, the feeder
takes no more rows until some have their outcome."""

NOTED_EVERY = 0.25
"""Time, in seconds, after which changed charges are written to the journal even if no new outcome
came."""


class Pipeline:
    """One run of a job, from its beginning to its end; the owner awaits `finish`.

    The first three arguments are called in this order, in the job's thread. The input is closed at
    the end of the run. The first rows are looked at before the worklist is opened.
    """

    def __init__(
        self,
        input_: Callable[[], RunInput],
        first_rows: Callable[[RunInput], FirstRows | None],
        open_worklist: Callable[[RunInput], Worklist],
        session: Session,
        sources: Sources,
        *,
        output: Path,
        budget: int | None,
        stop: asyncio.Event,
    ) -> None:
        self._make_input = input_
        self._make_first_rows = first_rows
        self._open_worklist = open_worklist
        self._input: RunInput | None = None
        self._session = session
        self._sources = sources
        self._output = output
        self._stop = stop
        self._budget = ChargeBudget(
            lambda: session.stats, frames=sources.max_frames or 1, limit=budget
        )
        self._thread = ThreadPoolExecutor(1, "aliocr job")
        self._worklist: Worklist | None = None
        self._prefetch: Prefetch | None = None
        self._began = time.monotonic()
        self._noted = 0  # the possible charges last written to the journal
        self._promised = 0  # number of images taken and not yet given to the session
        self._tally: Counter[str | None] = Counter()  # by reason; None for rows that were read
        # The rows of images without an outcome. The key is the `id` of the image object, because an
        # outcome has the same object that the session was given.
        self._unanswered: dict[int, PendingRow] = {}
        self._sent: set[int] = set()  # the keys of those that were sent
        self._mark_is_due = False
        self._breaker = CircuitBreaker()
        self._to_write = asyncio.Event()
        self._to_commit = asyncio.Event()
        self._committed = asyncio.Event()
        self._answer = asyncio.Event()
        self._all_taken = self._over_budget = self._all_answered = False
        self._summary: Summary  # set when the files are closed

    @property
    def progress(self) -> Progress:
        """The progress at this moment."""
        rows = self._tally.total()
        failed = {kind: number for kind, number in self._tally.items() if kind is not None}
        total = self._prefetch.total if self._prefetch else None
        return Progress(
            read=self._tally[None],
            failed=failed,
            rows=rows,
            total=None if total is None else max(total, rows),
            exact=self._prefetch is not None and self._prefetch.counted,
            charged=self._worklist.ledger.charged if self._worklist else 0,
            charged_at_most=self._budget.charged_at_most,
            budget=self._budget.limit,
            seconds=time.monotonic() - self._began,
            stats=self._session.stats,
            taken=self._input.taken if self._input else None,
        )

    async def finish(self) -> Summary:
        """Run all stages to their end."""
        try:
            worklist, prefetch = await self._begin()
            async with asyncio.TaskGroup() as tasks:
                _ = tasks.create_task(self._write(worklist), name="aliocr job writer")
                _ = tasks.create_task(self._commit_regularly(worklist), name="aliocr job committer")
                await self._take_all(worklist, prefetch)
                self._all_answered = True
                self._to_write.set()
                self._to_commit.set()
        except BaseExceptionGroup as group:
            error = group.exceptions[0]
            raise error from error.__cause__
        finally:
            await self._close()
        return self._summary

    async def _begin(self) -> tuple[Worklist, Prefetch]:
        loop = asyncio.get_running_loop()
        input_ = self._input = await self._in_thread(self._make_input)
        first_rows = self._make_first_rows(input_)
        if first_rows is None:
            worklist = await self._in_thread(partial(self._open, input_))
            prefetch = Prefetch(input_.open, worklist.start, worklist.digests, loop)
            self._prefetch = prefetch
            return worklist, prefetch
        prefetch = self._prefetch = Prefetch(input_.open, None, {}, loop, first_rows)
        await self._look(prefetch, input_)
        worklist = await self._in_thread(partial(self._open, input_))
        if worklist.start is not None:
            raise JobError(f"another job began {self._output} meanwhile; start the job again")
        return worklist, prefetch

    async def _look(self, prefetch: Prefetch, input_: RunInput) -> None:
        """Wait until the first rows were looked at; for a pipe, at most until `stop` is set."""
        looking = asyncio.create_task(prefetch.look())
        waiting: list[asyncio.Task[Any]] = [looking]
        if not input_.can_be_read_twice:
            waiting.append(asyncio.create_task(self._stop.wait()))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if looking.done():
                looking.result()
        finally:
            for each in waiting:
                each.cancel()

    def _open(self, input_: RunInput) -> Worklist:
        # Set the attribute in this thread, because `finish` may be cancelled while the worklist is
        # opened, and `_close_files` must close it then, too.
        worklist = self._worklist = self._open_worklist(input_)
        self._budget.add(worklist.state.charged_at_most)
        read, failed = worklist.counts()
        self._tally[None] = read
        for each in failed:
            self._tally[each.reason] += each.rows
        return worklist

    async def _feed(self, worklist: Worklist, prefetch: Prefetch) -> AsyncIterator[Image]:
        """Yield the images to send; the stream takes the next image when it has room."""
        while not self._all_taken:
            batch = await prefetch.take(ROWS_AT_ONCE)
            taken = await self._in_thread(partial(worklist.take, batch))
            self._count(taken.written)
            self._to_commit.set()
            self._promised = len(taken.pending)
            if taken.pending:
                # Write possible charges to the journal before the images are sent. Then the next
                # run counts every sent image even if the machine loses power, and keeps the budget.
                charges = self._charged_at_worst
                self._count(await self._in_thread(partial(worklist.commit, charges)))
            for pending in taken.pending:
                while not self._budget.affords(len(self._unanswered)):
                    if not self._unanswered:
                        self._over_budget = True
                        return
                    await self._next_answer()
                while self._breaker.is_enough(self._session.stats, len(self._unanswered)):
                    await self._next_answer()
                self._unanswered[id(pending.image)] = pending
                self._promised -= 1
                yield pending.image
            self._all_taken = taken.last
            while worklist.copies_waiting > MOST_COPIES and self._unanswered:
                await self._next_answer()

    async def _next_answer(self) -> None:
        self._answer.clear()
        await self._answer.wait()

    async def _take_all(self, worklist: Worklist, prefetch: Prefetch) -> None:
        """Take outcomes from the stream until its end."""
        stream = self._session.stream(self._feed(worklist, prefetch), stop=self._stop)
        stream.tell_sent(self._note_sent)
        async with aclosing(stream) as outcomes:
            async for outcome in outcomes:
                pending = self._unanswered.pop(id(outcome.image))
                self._sent.discard(id(outcome.image))
                self._sources.done(outcome)
                self._budget.answered(outcome)
                self._answer.set()
                self._keep(worklist, self._breaker.take(pending, outcome))
                while worklist.uncommitted > MOST_UNCOMMITTED:
                    self._committed.clear()
                    await self._committed.wait()
        self._keep(worklist, self._breaker.end(stopped=self._stop.is_set()))

    def _note_sent(self, image: Image) -> None:
        """Mark, before the request leaves, that this image may be charged."""
        self._sent.add(id(image))
        if not self._mark_is_due:
            # Once for all images of the request. The event loop calls this before it starts the
            # task of the request, which is made later.
            self._mark_is_due = True
            asyncio.get_running_loop().call_soon(self._mark_sent)

    def _mark_sent(self) -> None:
        self._mark_is_due = False
        if self._worklist is not None:
            at_most = self._budget.charged_with(len(self._sent))
            self._worklist.ledger.sent.write(at_most)

    def _keep(self, worklist: Worklist, outcomes: Sequence[tuple[PendingRow, Outcome]]) -> None:
        if outcomes:
            self._count([worklist.keep(pending, outcome) for pending, outcome in outcomes])
            self._to_write.set()

    async def _write(self, worklist: Worklist) -> None:
        """Write new results together, because one large write is faster than many small writes."""
        while not self._all_answered:
            await self._to_write.wait()
            self._to_write.clear()
            worklist.write()
            self._to_commit.set()

    async def _commit_regularly(self, worklist: Worklist) -> None:
        """Make new results safe on the disk, repeatedly, until the last outcome."""
        while not self._all_answered:
            with suppress(TimeoutError):
                async with asyncio.timeout(NOTED_EVERY):
                    await self._to_commit.wait()
            self._mark_sent()
            charges = self._charged_at_worst
            changed = self._to_commit.is_set() or charges != self._noted
            self._to_commit.clear()
            if changed:
                self._noted = charges
                self._count(await self._in_thread(partial(worklist.commit, charges)))
                self._committed.set()

    @property
    def _charged_at_worst(self) -> int:
        """The possible charges if this process ends now, of images that were not sent, too."""
        return self._budget.charged_at_worst(len(self._unanswered), self._promised)

    def _count(self, results: Sequence[Result]) -> None:
        for result in results:
            reason = None if result.ok else Failed(result.kind, result.code, 1).reason
            self._tally[reason] += 1

    async def _close(self) -> None:
        """Write the last results and close all files, even if cancelled several times."""
        closing = asyncio.wrap_future(self._thread.submit(self._close_files))
        cancelled: asyncio.CancelledError | None = None
        while not closing.done():
            try:
                await asyncio.wait([closing])
            except asyncio.CancelledError as error:
                cancelled = error
        self._thread.shutdown(wait=False)
        closing.result()
        if cancelled is not None:
            raise cancelled

    def _close_files(self) -> None:
        worklist = self._worklist
        try:
            if self._prefetch is not None:
                self._prefetch.stop()
            elif self._input is not None:
                self._input.close()
            if worklist is not None:
                worklist.write()
                worklist.ledger.sent.write(self._budget.charged_at_most)
                worklist.commit(self._budget.charged_at_most)
                missing = self._unanswered or self._breaker.has_dropped
                complete = self._all_taken and worklist.is_whole and not missing
                read, failed = worklist.counts()
                self._summary = Summary(
                    read=read,
                    failed=failed,
                    rows=read + sum(each.rows for each in failed),
                    charged=worklist.state.charged,
                    charged_at_most=worklist.state.charged_at_most,
                    duplicates=worklist.duplicates,
                    ended=(
                        "complete" if complete else "budget" if self._over_budget else "stopped"
                    ),
                    output=self._output,
                    seconds=time.monotonic() - self._began,
                )
        finally:
            if worklist is not None:
                worklist.ledger.close()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
