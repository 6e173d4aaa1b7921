"""Writes the page: counts all results, fetches the pictures of those it shows, joins the two.

    head · totals and texts (JSON) · script · pictures, each in a script element that is none

A browser shows totals and texts before it has read the pictures, which may be 100 MB, and decodes
of these only what is looked at. So that it knows the size of each picture from the first, they are
put by in a file without a name until all have been fetched.
"""

from __future__ import annotations

import asyncio
import shlex
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs

from aliocr.job.output.result import Result
from aliocr.report.choice import RowChoice
from aliocr.report.entry import NoPicture, entry, island
from aliocr.report.gallery import Gallery
from aliocr.report.part import Part
from aliocr.report.template import page_shell
from aliocr.report.totals import Totals
from aliocr.version import __version__

LIMIT = 1000
"""Rows that a page shows, unless it is told otherwise."""

AT_ONCE = 8
"""Pictures under way."""

SLICE = 200
"""Rows that are counted before others have a turn of the event loop."""


@attrs.frozen
class ReportProgress:
    """How far a page has come.

    Args:
        rows: Counted so far.
        pictures: Of how many rows the picture is there, or known to be missing.
        shown: Of how many rows there will be; None until all rows were counted.
    """

    rows: int
    pictures: int = 0
    shown: int | None = None


@attrs.frozen
class WrittenReport:
    """A page that was written.

    Args:
        page: Where.
        rows: All that were counted.
        shown: Rows on the page.
        missing: Those of them whose picture was wanted and is not to be had, by the reason, the
            commonest first.
    """

    page: Path
    rows: int
    shown: int
    missing: tuple[tuple[str, int], ...]


async def write_report(
    results: Iterable[Result],
    page: Path,
    gallery: Gallery,
    *,
    title: str,
    limit: int = LIMIT,
    look_up: Callable[[Sequence[Result]], Awaitable[None]] | None = None,
    told: Callable[[ReportProgress], None] | None = None,
) -> WrittenReport:
    """Write an HTML page of what was read; it replaces an earlier one, and no other file.

    Args:
        results: Gone through once; those on the page are held, the others counted.
        page: Where to.
        gallery: What to show of the pictures.
        title: What the results are called: the name of their file.
        limit: Rows on the page, at most: those that failed before others, but for a tenth.
        look_up: Awaited with them, in the order of the input, before any picture is wanted.
        told: Called now and then with how far it has come.

    Raises:
        ReportError: It cannot be written.
        Exception: Whatever `results` raises.
    """
    with Part(page) as part:
        report = _Report(part, page, gallery, told or (lambda _: None))
        await report.count(results, limit)
        if look_up is not None:
            await look_up(report.chosen)
        await report.show()
        await report.write(title)
        missing = tuple(report.missing.most_common())
        return WrittenReport(page, report.totals.rows, len(report.chosen), missing)


class _Report:
    """A page on its way."""

    def __init__(
        self, part: Part, page: Path, gallery: Gallery, told: Callable[[ReportProgress], None]
    ) -> None:
        self.totals = Totals()
        self.chosen: list[Result] = []
        self.missing: Counter[str] = Counter()
        self._part = part
        self._page = page
        self._gallery = gallery
        self._told = told
        self._entries: list[bytes] = []
        self._pictures = 0
        self._done = 0

    async def count(self, results: Iterable[Result], limit: int) -> None:
        """Go through all of them."""
        choice = RowChoice(limit)
        for result in results:
            self.totals.count(result)
            choice.offer(result)
            if self.totals.rows % SLICE == 0:
                self._told(ReportProgress(self.totals.rows))
                await asyncio.sleep(0)
        self.chosen = choice.rows()

    async def show(self) -> None:
        """Put the pictures by, and make ready what stands beside them."""
        self._entries = [b""] * len(self.chosen)
        waiting = iter(enumerate(self.chosen))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(self._some(waiting))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None  # the first, which stopped the others

    async def _some(self, waiting: Iterator[tuple[int, Result]]) -> None:
        for at, result in waiting:
            shown = await self._gallery.shown(result, self._page, self._keep)
            if isinstance(shown, NoPicture) and shown.why:
                self.missing[shown.why] += 1
            self._entries[at] = island(entry(result, shown))
            self._done += 1
            self._told(ReportProgress(self.totals.rows, self._done, len(self.chosen)))
            await asyncio.sleep(0)  # where nothing is fetched, nothing else would let others in

    def _keep(self, uri: str) -> int:
        number = self._pictures
        self._pictures += 1
        # Base64 holds nothing that could end the element.
        element = f'<script type="text/plain" id="picture-{number}">{uri}</script>\n'
        self._part.put_by(element.encode())
        return number

    async def write(self, title: str) -> None:
        """Join all of it."""
        frame = page_shell(title, linked=self._gallery.linked)
        about: dict[str, Any] = {
            "title": title,
            "totals": self.totals.plain(),
            "written": datetime.now().astimezone().isoformat(timespec="seconds"),
            "version": __version__,
        }
        if len(self.chosen) < self.totals.rows:
            about["all"] = f"aliocr report {shlex.quote(title)} --limit {self.totals.rows}"
        self._part.write(frame.head)
        self._part.write(b'<script type="application/json" id="data">')
        self._part.write(island(about)[:-1] + b',"entries":[\n')
        for at, each in enumerate(self._entries):
            self._part.write(b",\n" + each if at else each)
        self._part.write(b"]}</script>" + frame.script)
        for _ in self._part.copied():
            await asyncio.sleep(0)
        self._part.write(frame.end)
        self._part.place()
