"""One run of a job: images on their way to a session, and what became of them on its way back.

The feeder of the stream draws on the desk, the body of the run takes outcomes, the writer writes in
each turn of the loop what has come in it, and the keeper makes lasting, all at once, what was
written while it did so before. What waits for a disk does so in one thread.
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
from typing import Literal, TypeVar

from aliocr.job.budget import Bill, Charges
from aliocr.job.circuit_breaker import Watch
from aliocr.job.input.opening import RunInput
from aliocr.job.input.prefetch import Prefetch
from aliocr.job.output.result import Result
from aliocr.job.sources import Sources
from aliocr.job.summary import Failed, Progress, Summary
from aliocr.job.worklist import Desk, Wanted
from aliocr.models import Image, Outcome
from aliocr.session import Session

T = TypeVar("T")

ROWS_AT_ONCE = 200
"""Rows drawn in one go; a stream keeps as many images waiting."""

MOST_UNSETTLED = 2_000
"""Outcomes that may wait to be made lasting before no more are taken."""

MOST_COPIES = 10_000
"""Rows that may wait for the outcome of an equal one before no more are drawn."""

NOTED_EVERY = 0.25
"""Seconds after which what was spent is written down though nothing was answered."""


class Run:
    """A run from its opening to its end; its owner awaits `finish`.

    Args:
        open_desk: Opens the desk; called in the thread that will use it.
        input_: The input; closed at the end of the run.
        session: Reads the images.
        sources: Told of each image that has its outcome.
        output: Where results go.
        budget: Images that may be charged, in all runs of the job; None for no limit.
        stop: Once set, what is under way is finished and no more is sent.
    """

    def __init__(
        self,
        open_desk: Callable[[], Desk],
        input_: RunInput,
        session: Session,
        sources: Sources,
        *,
        output: Path,
        budget: int | None,
        stop: asyncio.Event,
    ) -> None:
        self._open_desk = open_desk
        self._input = input_
        self._session = session
        self._sources = sources
        self._output = output
        self._stop = stop
        self._charges = Charges(
            lambda: session.stats, frames=sources.max_frames or 1, budget=budget
        )
        self._thread = ThreadPoolExecutor(1, "aliocr job")
        self._desk: Desk | None = None
        self._prefetch: Prefetch | None = None
        self._began = time.monotonic()
        self._noted = Bill()  # as was last written down
        self._promised = 0  # images that were drawn and not yet given to the session
        self._tally: Counter[str | None] = Counter()  # by reason; None for those read
        # The session hands back the very image it was given, so its identity finds the row.
        self._open: dict[int, Wanted] = {}
        self._watch = Watch()
        self._came = asyncio.Event()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._answer = asyncio.Event()
        self._drawn = self._poor = self._all_answered = False
        self._whole = False
        self._counts: tuple[int, tuple[Failed, ...]] = (0, ())
        self._duplicates = 0

    # --- what others may ask ----------------------------------------------------------------------

    @property
    def progress(self) -> Progress:
        """How far it has come."""
        rows = self._tally.total()
        failed = {kind: number for kind, number in self._tally.items() if kind is not None}
        total = self._prefetch.total if self._prefetch else None
        return Progress(
            read=self._tally[None],
            failed=failed,
            rows=rows,
            total=None if total is None else max(total, rows),
            exact=self._prefetch is not None and self._prefetch.counted,
            spent=self._charges.bill.spent,
            budget=self._charges.budget,
            seconds=time.monotonic() - self._began,
            stats=self._session.stats,
        )

    @property
    def _ended(self) -> Literal["complete", "stopped", "budget"]:
        """Why it ended, once it has."""
        if self._whole and not self._open:
            return "complete"
        return "budget" if self._poor else "stopped"

    # --- the run ----------------------------------------------------------------------------------

    async def finish(self) -> Summary:
        """Do all of it.

        Raises:
            AuthError: The account is refused.
            InputError: The input cannot be read, or is not what it was.
            JobError: Results cannot be written.
        """
        try:
            desk = await self._in_thread(self._opened)
            loop = asyncio.get_running_loop()
            self._prefetch = Prefetch(self._input.open, desk.start, desk.seen, loop)
            await self._work(desk, self._prefetch)
        finally:
            await self._close()
        read, failed = self._counts
        return Summary(
            read=read,
            failed=failed,
            rows=read + sum(each.rows for each in failed),
            charged=self._charges.bill.charged,
            spent=self._charges.bill.spent,
            duplicates=self._duplicates,
            ended=self._ended,
            output=self._output,
            seconds=time.monotonic() - self._began,
        )

    def _opened(self) -> Desk:
        # Kept at once: whoever awaits this may be cancelled, and it is closed nevertheless.
        desk = self._desk = self._open_desk()
        self._charges.add(desk.bill)
        read, failed = desk.counts()
        self._tally[None] = read
        for each in failed:
            self._tally[each.reason] += each.rows
        return desk

    async def _work(self, desk: Desk, prefetch: Prefetch) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                _ = tasks.create_task(self._write(desk), name="aliocr job writer")
                _ = tasks.create_task(self._keep(desk), name="aliocr job keeper")
                await self._read(desk, prefetch)
                self._all_answered = True
                self._came.set()
                self._news.set()
        except BaseExceptionGroup as group:
            error = group.exceptions[0]
            raise error from error.__cause__

    async def _read(self, desk: Desk, prefetch: Prefetch) -> None:
        stream = self._session.stream(self._images(desk, prefetch), stop=self._stop)
        async with aclosing(stream) as outcomes:
            async for outcome in outcomes:
                self._take(desk, outcome)
                while desk.unsettled > MOST_UNSETTLED:
                    self._room.clear()
                    await self._room.wait()
        self._take_down(desk, self._watch.ended(told_to=self._stop.is_set()))

    def _take(self, desk: Desk, outcome: Outcome) -> None:
        wanted = self._open.pop(id(outcome.image))
        self._sources.done(outcome)
        self._charges.answered(outcome)
        self._answer.set()
        self._take_down(desk, self._watch.seen(wanted, outcome))

    def _take_down(self, desk: Desk, outcomes: Sequence[tuple[Wanted, Outcome]]) -> None:
        if outcomes:
            self._count(*(desk.keep(wanted, outcome) for wanted, outcome in outcomes))
            self._came.set()

    async def _write(self, desk: Desk) -> None:
        """Write outcomes, those of one turn of the loop at once: most of a write is the call."""
        while not self._all_answered:
            await self._came.wait()
            self._came.clear()
            desk.write()
            self._news.set()

    async def _images(self, desk: Desk, prefetch: Prefetch) -> AsyncIterator[Image]:
        while not self._drawn:
            batch = await prefetch.take(ROWS_AT_ONCE)
            drawn = await self._in_thread(partial(desk.draw, batch))
            self._count(*drawn.written)
            self._news.set()
            await self._promise(desk, len(drawn.wanted))
            for wanted in drawn.wanted:
                if not await self._can_afford():
                    self._poor = True
                    return
                self._open[id(wanted.image)] = wanted
                self._promised -= 1
                yield wanted.image
            self._drawn = drawn.last
            while desk.copies_waiting > MOST_COPIES and self._open:
                await self._next_answer()

    async def _promise(self, desk: Desk, images: int) -> None:
        """Write down what these may cost before they can.

        However the job ends then, what was drawn and not answered counts as spent: the summary says
        no less than the service will, and no budget is spent twice.
        """
        self._promised = images
        if images:
            self._count(*await self._in_thread(partial(desk.settle, self._bill)))

    @property
    def _bill(self) -> Bill:
        """What is to be taken for spent if this process ends now."""
        return self._charges.bill_of(len(self._open), self._promised)

    async def _can_afford(self) -> bool:
        """Whether one more image may be charged, once it is known what those before it cost."""
        while self._open and not self._charges.affords(len(self._open)):
            await self._next_answer()
        return self._charges.affords(len(self._open))

    async def _next_answer(self) -> None:
        self._answer.clear()
        await self._answer.wait()

    async def _keep(self, desk: Desk) -> None:
        """Make lasting what has been answered, as long as there may be more."""
        while not self._all_answered:
            with suppress(TimeoutError):
                async with asyncio.timeout(NOTED_EVERY):
                    await self._news.wait()
            bill = self._bill
            changed = self._news.is_set() or bill != self._noted
            self._news.clear()
            if changed:
                self._noted = bill
                self._count(*await self._in_thread(partial(desk.settle, bill)))
                self._room.set()

    def _count(self, *results: Result) -> None:
        for result in results:
            reason = None if result.ok else Failed(result.kind, result.code, 1).reason
            self._tally[reason] += 1

    async def _close(self) -> None:
        """Write what came last and let go of all files, however often one is told to stop."""
        closing = asyncio.wrap_future(self._thread.submit(self._closed))
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

    def _closed(self) -> None:
        try:
            if self._prefetch is None:
                self._input.close()
            else:
                self._prefetch.stop()
        finally:
            if self._desk is not None:
                self._closed_desk(self._desk)

    def _closed_desk(self, desk: Desk) -> None:
        try:
            desk.write()
            desk.settle(self._charges.bill)
            self._counts = desk.counts()
            self._duplicates = desk.duplicates
            self._whole = self._drawn and desk.is_whole
        finally:
            desk.close()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
