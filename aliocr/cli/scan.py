"""`aliocr scan`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Unpack

import attrs
import click

from aliocr.cli.backend import (
    Remote,
    Service,
    asked_frames,
    check_local,
    open_service,
    remote_session,
    service_options,
)
from aliocr.cli.ending import ending
from aliocr.cli.frame_choice import Choice, frames_total, remark
from aliocr.cli.output import JSONOutput, Output, TextOutput, shown
from aliocr.cli.sources import Found, Source, check_standard_input, found, listed
from aliocr.job.input.folder import OTHERS
from aliocr.job.input.opening import STANDARD_INPUT
from aliocr.models import Image, Outcome
from aliocr.session import Session

if TYPE_CHECKING:
    from aliocr.pictures.picture import FrameCount

MOST_NAMED = 5
"""Slips of one kind that are named, before the rest are counted."""


@click.command(no_args_is_help=True)
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@click.option("--local", is_flag=True, help="Read on this machine: files too, and no account.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")
@service_options
def scan(
    sources: Sequence[str],
    *,
    local: bool,
    as_json: bool,
    interval: int | None,
    max_frames: int | None,
    **remote: Unpack[Remote],
) -> None:
    """Read the text in pictures.

    SOURCE is a URL, or - for a list of sources on standard input, one a line. With --local it may
    be a file or a folder of pictures, too.

    GIFs and long pictures have frames. --local reads all of them, at most 100; the service reads
    the first, as each is charged. --interval and --max-frames together say which to read instead.

    The AccessKey comes from ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET.
    Exit code: 0 all read, 1 some failed, 2 misuse.
    """
    asked = asked_frames(interval, max_frames)
    listing = STANDARD_INPUT in sources
    if listing:
        check_standard_input()
    fixed = _found([name for name in sources if name != STANDARD_INPUT], files=local)
    if local:
        check_local()
    session = None if local else remote_session(**remote)
    reading = Reading(fixed, asked, session, listing=listing)
    total = None if listing else sum(len(each.sources) for _, each in fixed)
    remedy = "" if local else "check the network, --endpoint and --region"
    output = (JSONOutput if as_json else TextOutput)(total, remedy=remedy)
    with ending(), output:
        asyncio.run(reading.run(output))
    sys.exit(1 if output.failed else 0)


def _found(names: Sequence[str], *, files: bool) -> list[tuple[str, Found]]:
    """What is named on the command line, where something that cannot be read is a slip."""
    fixed: list[tuple[str, Found]] = []
    slips: dict[str, list[str]] = {}
    for name in names:
        try:
            fixed.append((name, found(name, files=files)))
        except ValueError as error:
            slips.setdefault(str(error), []).append(shown(name) or "''")
    if slips:
        raise click.UsageError("\n".join(_slip(named, why) for why, named in slips.items()))
    return fixed


def _slip(named: Sequence[str], why: str) -> str:
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return f"{', '.join(named[:MOST_NAMED])}{more}: {why}"


@attrs.define
class Reading:
    """One run over the sources.

    Args:
        fixed: The names on the command line, and what they stand for.
        asked: Which frames the user wants; None for the usual ones.
        remote: The session to read with; None for the local service.
        listing: More sources come on standard input.
    """

    fixed: list[tuple[str, Found]]
    asked: Choice | None
    remote: Session | None
    listing: bool
    # The session hands back the very image it was given, so its identity finds the source.
    _under_way: dict[int, tuple[Source, FrameCount | None]] = attrs.field(factory=dict, init=False)

    async def run(self, output: Output) -> None:
        """Read all of them, and show each result as it comes."""
        async with open_service(self.remote, self.asked) as service:
            async for outcome in service.session.stream(self._images(output, service)):
                service.done(outcome)
                self._show(outcome, output)

    def _show(self, outcome: Outcome, output: Output) -> None:
        source, counted = self._under_way.pop(id(outcome.image))
        if not outcome.ok:
            output.show(source.name, outcome)
            return
        total = counted.total if counted else frames_total(outcome.image, outcome)
        output.show(source.name, outcome, total)
        if counted and self.asked is None and (said := remark(counted)):
            output.hint(source.name, said)

    async def _images(self, output: Output, service: Service) -> AsyncIterator[Image]:
        async for source in self._all(output):
            try:
                asked = await service.image_of(source)
            except ValueError as error:
                output.fail(source.name, str(error))
                continue
            self._under_way[id(asked.image)] = source, asked.counted
            yield asked.image

    async def _all(self, output: Output) -> AsyncIterator[Source]:
        for name, each in self.fixed:
            for source in _announced(name, each, output):
                yield source
        if not self.listing:
            return
        async for name in listed():
            try:
                each = found(name, files=self.remote is None)
            except ValueError as error:
                output.fail(name, str(error))
                continue
            for source in _announced(name, each, output):
                yield source


def _announced(name: str, each: Found, output: Output) -> tuple[Source, ...]:
    """The sources; that a folder holds other things is said before them."""
    if each.skipped:
        output.hint(name, f"{each.skipped:,} skipped: {OTHERS}")
    return each.sources
