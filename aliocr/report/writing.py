"""Write the page: count all results, fetch pictures for the rows on the page, join all parts.

    head · totals and texts (JSON) · script · pictures, each in a script element of plain text

All pictures together may have 100 MB. They come last, so that a browser can show totals and texts
before it has read the pictures. It decodes a picture only when the picture comes near the window.
The JSON contains the size of each picture; therefore it is written after all pictures are fetched.
Until then, the pictures stay in a spool (a temporary file without a name).
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
from aliocr.report.report_file import ReportFile, new_report_file
from aliocr.report.template import page_shell
from aliocr.report.totals import Totals
from aliocr.version import __version__

LIMIT = 1000
"""Default maximum number of rows on a page."""

AT_ONCE = 8
"""Number of pictures that are fetched at the same time."""

SLICE = 200
"""Number of rows that are counted before the event loop may run other tasks."""


@attrs.frozen
class ReportProgress:
    """Progress of writing a page.

    Args:
        rows: Number of rows counted so far.
        pictures: Number of rows whose picture was fetched, or is known to be missing.
        shown: Number of rows on the page; None until all rows are counted.
    """

    rows: int
    pictures: int = 0
    shown: int | None = None


@attrs.frozen
class WrittenReport:
    """Facts about a report that was written.

    Args:
        rows: Number of all rows.
        shown: Number of rows on the page.
        missing: Reasons why rows on the page have no picture, each with the number of these rows.
            The most frequent reason comes first.
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
    """Write an HTML page of results. The page may replace an earlier report, but no other file.

    Args:
        results: Iterated once. All rows are counted, but only rows on the page stay in memory.
        page: Path of the page.
        gallery: Decides what the page shows for each picture.
        title: Name of the file with the results.
        limit: Maximum number of rows on the page. Failures are preferred, but a tenth of the page
            is reserved for rows that were read without failure.
        look_up: Awaited before the pictures are fetched; gets the rows on the page, in the order of
            the input. An example is `FromInput.look_up`.
        told: Called repeatedly with the progress.

    Raises:
        ReportError: The page cannot be written.
        Exception: Any error of `results`.
    """
    with new_report_file(page) as part:
        report = _Report(part, page, gallery, told or (lambda _: None))
        await report.count(results, limit)
        if look_up is not None:
            await look_up(report.chosen)
        await report.show()
        await report.write(title)
        missing = tuple(report.missing.most_common())
        return WrittenReport(page, report.totals.rows, len(report.chosen), missing)


class _Report:
    def __init__(
        self, part: ReportFile, page: Path, gallery: Gallery, told: Callable[[ReportProgress], None]
    ) -> None:
        self.totals = Totals()
        self.chosen: list[Result] = []
        self.missing: Counter[str] = Counter()
        self._part = part
        self._page = page
        self._gallery = gallery
        self._told = told
        self._entries: list[bytes] = []
        self._done = 0

    async def count(self, results: Iterable[Result], limit: int) -> None:
        """Count all results, and choose the rows of the page."""
        choice = RowChoice(limit)
        for result in results:
            self.totals.count(result)
            choice.offer(result)
            if self.totals.rows % SLICE == 0:
                self._told(ReportProgress(self.totals.rows))
                await asyncio.sleep(0)
        self.chosen = choice.rows()

    async def show(self) -> None:
        """Fetch the pictures into the spool, and encode the entries."""
        self._entries = [b""] * len(self.chosen)
        waiting = iter(enumerate(self.chosen))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(self._fetch_each(waiting))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None  # the first error; it cancelled the other tasks

    async def _fetch_each(self, waiting: Iterator[tuple[int, Result]]) -> None:
        for at, result in waiting:
            shown = await self._gallery.shown(result, self._page, self._part.keep)
            if isinstance(shown, NoPicture) and shown.why:
                self.missing[shown.why] += 1
            self._entries[at] = island(entry(result, shown))
            self._done += 1
            self._told(ReportProgress(self.totals.rows, self._done, len(self.chosen)))
            await asyncio.sleep(0)  # lets other tasks run even if nothing had to be fetched

    async def write(self, title: str) -> None:
        """Join head, entries, script and pictures."""
        shell = page_shell(title, linked=self._gallery.linked)
        about: dict[str, Any] = {
            "title": title,
            "totals": self.totals.plain(),
            "written": datetime.now().astimezone().isoformat(timespec="seconds"),
            "version": __version__,
        }
        if len(self.chosen) < self.totals.rows:
            about["all"] = f"aliocr report {shlex.quote(title)} --limit {self.totals.rows}"
        self._part.write(shell.head)
        self._part.write(b'<script type="application/json" id="data">')
        self._part.write(island(about)[:-1] + b',"entries":[\n')
        for at, each in enumerate(self._entries):
            self._part.write(b",\n" + each if at else each)
        self._part.write(b"]}</script>" + shell.script)
        for _ in self._part.copied():
            await asyncio.sleep(0)
        self._part.write(shell.end)
        self._part.place()
