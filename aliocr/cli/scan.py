"""The command `aliocr scan`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

import attrs
import click

from aliocr.cli.backend import (
    Backend,
    ServiceOptions,
    open_backend,
    refuse_service_options,
    service_options,
)
from aliocr.cli.console import shown
from aliocr.cli.exits import ending
from aliocr.cli.frame_choice import FrameChoice, frames_total, remark
from aliocr.cli.printer import JSONPrinter, OutcomePrinter, doubt
from aliocr.cli.sources import Expansion, Source, check_standard_input, expand, listed
from aliocr.job.input.opening import STANDARD_INPUT
from aliocr.job.input.rows import BadRow
from aliocr.models import Image
from aliocr.session import Session

if TYPE_CHECKING:
    from aliocr.pictures.picture import FrameCount

MOST_NAMED = 5
"""Maximum number of arguments to name per kind of mistake; the others are counted."""


@click.command(no_args_is_help=True)
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@click.option(
    "--local", is_flag=True, help="Read URLs and files on this machine; no account needed."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@service_options
def scan(sources: Sequence[str], *, local: bool, as_json: bool, service: ServiceOptions) -> None:
    """Read the text in pictures.

    SOURCE is a URL, or - for a list of sources on standard input, one per line. With --local it can
    also be a picture file or a folder of pictures.

    GIFs and long pictures have several frames. --local reads all frames, at most 100. The service
    reads only the first frame, because it charges each frame. To choose, give --interval and
    --max-frames.

    The AccessKey comes from ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET. With
    the extra aliocr[credentials], it can also come from a profile or a role.
    Exit code: 0 all read, 1 some failed, 2 misuse.
    """
    listing = STANDARD_INPUT in sources
    if listing:
        check_standard_input()
    named = _expand_all([name for name in sources if name != STANDARD_INPUT], files=local)
    if local:
        refuse_service_options()
    session = None if local else service.session()
    total = None if listing else sum(len(each.sources) for _, each in named)
    printer = (JSONPrinter if as_json else OutcomePrinter)(total, local=local)
    with ending(), printer:
        asyncio.run(ScanRun(named, service.frames, session, printer, listing=listing).run())
    sys.exit(1 if printer.failed else 0)


def _expand_all(names: Sequence[str], *, files: bool) -> list[tuple[str, Expansion]]:
    """Expand the arguments; one error message names all arguments that cannot be read."""
    expanded: list[tuple[str, Expansion]] = []
    mistakes: dict[str, list[str]] = {}
    for name in names:
        try:
            expanded.append((name, expand(name, files=files)))
        except ValueError as error:
            mistakes.setdefault(str(error), []).append(shown(name) or "''")
    if mistakes:
        raise click.UsageError(
            "\n".join(
                f"{', '.join(named[:MOST_NAMED])}"
                f"{f' and {more} more' if (more := len(named) - MOST_NAMED) > 0 else ''}: {why}"
                for why, named in mistakes.items()
            )
        )
    return expanded


@attrs.define
class ScanRun:
    """One run, which reads the pictures of the arguments, and of standard input if `listing`."""

    named: list[tuple[str, Expansion]]
    frames: FrameChoice | None
    session: Session | None
    printer: OutcomePrinter
    listing: bool = attrs.field(kw_only=True)
    # An outcome holds the same image object that was sent, so `id(image)` finds its source.
    _in_flight: dict[int, tuple[Source, FrameCount | None]] = attrs.field(factory=dict, init=False)

    async def run(self) -> None:
        """Read all sources, and print each result as soon as it comes."""
        async with open_backend(self.session, self.frames) as backend:
            async for outcome in backend.session.stream(self._images(backend)):
                backend.done(outcome)
                source, counted = self._in_flight.pop(id(outcome.image))
                if not outcome.ok:
                    self.printer.show(source.name, outcome)
                    continue
                total = counted.total if counted else frames_total(outcome.image, outcome)
                self.printer.show(source.name, outcome, total)
                if self.session is None and (note := doubt(outcome)):
                    self.printer.hint(source.name, note)
                if counted and self.frames is None and (note := remark(counted)):
                    self.printer.hint(source.name, note)

    async def _images(self, backend: Backend) -> AsyncIterator[Image]:
        async for name, expansion in self._expansions():
            if expansion.skipped:
                self.printer.note(name, str(expansion.skipped))
            for source in expansion.sources:
                try:
                    if source.path is None:
                        image, counted = backend.image_of(source)
                    else:
                        image, counted = await asyncio.to_thread(backend.image_of, source)
                except ValueError as error:
                    self.printer.fail(source.name, str(error))
                    continue
                self._in_flight[id(image)] = source, counted
                yield image

    async def _expansions(self) -> AsyncIterator[tuple[str, Expansion]]:
        for each in self.named:
            yield each
        if not self.listing:
            return
        async for row in listed():
            if isinstance(row, BadRow):
                self.printer.fail(row.source, row.problem)
                continue
            try:
                expansion = expand(row.source, files=self.session is None)
            except ValueError as error:
                self.printer.fail(row.source, str(error))
                continue
            yield row.source, expansion
