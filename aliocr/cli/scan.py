"""`aliocr scan`."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import attrs
import click

from aliocr.arguments import ENDPOINT_VARIABLE
from aliocr.cli.frames import ALL, FIRST, Choice, frames_total, remark
from aliocr.cli.misuse import Misuse
from aliocr.cli.output import JSONOutput, Output, TextOutput, shown
from aliocr.cli.sources import Found, ListingError, Source, found, listed
from aliocr.credentials import ID_VARIABLE, SECRET_VARIABLE
from aliocr.errors import AuthError
from aliocr.models import Image, Outcome
from aliocr.session import Session

if TYPE_CHECKING:
    from aliocr.cli.local import Local
    from aliocr.pictures.picture import FrameCount

__all__ = ["scan"]

STDIN = "-"
COUNT = click.IntRange(min=1)
MOST_NAMED = 5
"""Slips of one kind that are named, before the rest are counted."""

REGION: str = inspect.signature(Session).parameters["region"].default


@click.command(no_args_is_help=True)
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@click.option("--local", is_flag=True, help="Read on this machine: files too, and no account.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")
@click.option("--interval", type=COUNT, metavar="N", help="Read one of every N frames.")
@click.option("--max-frames", type=COUNT, metavar="N", help="Read at most N frames of a picture.")
@click.option(
    "--endpoint", envvar=ENDPOINT_VARIABLE, show_envvar=True, help="Base URL of the service."
)
@click.option("--region", default=REGION, show_default=True, help="The account's region.")
@click.option("--biz-type", help="The moderation policy to apply.")
def scan(
    sources: Sequence[str],
    *,
    local: bool,
    as_json: bool,
    interval: int | None,
    max_frames: int | None,
    endpoint: str | None,
    region: str,
    biz_type: str | None,
) -> None:
    """Read the text in pictures.

    SOURCE is a URL, or - for a list of sources on standard input, one a line. With --local it may
    be a file or a folder of pictures, too.

    GIFs and long pictures have frames. --local reads all of them, at most 100; the service reads
    the first, as each is charged. --interval and --max-frames together say which to read instead.

    The AccessKey comes from ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET.
    Exit code: 0 all read, 1 some failed, 2 misuse.
    """
    if (interval is None) != (max_frames is None):
        raise click.UsageError("--interval and --max-frames go together")
    if local and click.get_current_context().get_parameter_source("endpoint") == (
        click.core.ParameterSource.COMMANDLINE
    ):
        raise click.UsageError("--local needs no --endpoint: it brings its own service")
    listing = STDIN in sources
    if listing and sys.stdin is None:
        # Its descriptor is free, so the next thing opened would be read instead.
        raise Misuse("cannot read standard input: it is closed")
    fixed = _found([name for name in sources if name != STDIN], files=local)
    remote = None if local else _session(endpoint, region, biz_type)
    asked = None if interval is None else Choice(interval, max_frames)
    reading = Reading(fixed, asked, remote, listing=listing)
    total = None if listing else sum(len(each.sources) for _, each in fixed)
    remedy = "" if local else "check the network, --endpoint and --region"
    output = (JSONOutput if as_json else TextOutput)(total, remedy=remedy)
    _run(reading, output)
    sys.exit(1 if output.failed else 0)


def _run(reading: Reading, output: Output) -> None:
    """Read, and have every way to end it end in a line at most."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with output:
            asyncio.run(reading.run(output))
    except (ImportError, ListingError) as error:
        raise Misuse(str(error)) from None
    except AuthError as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has gone; nothing is left to say, nor anybody to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _session(endpoint: str | None, region: str, biz_type: str | None) -> Session:
    try:
        return Session(endpoint=endpoint, region=region, biz_type=biz_type)
    except ValueError as error:
        missing = [name for name in (ID_VARIABLE, SECRET_VARIABLE) if not os.environ.get(name)]
        if not missing or "AccessKey" not in str(error):
            raise click.UsageError(str(error)) from None
    names = " and ".join(missing)
    raise Misuse(f"no AccessKey: set {names} in the environment; --local needs no account")


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
        async with AsyncExitStack() as stack:
            local: Local | None = None
            if self.remote is not None:
                session = await stack.enter_async_context(self.remote)
            else:
                from aliocr.cli.local import local_service  # noqa: PLC0415 - a heavy import

                local = await stack.enter_async_context(local_service())
                session = local.session
            async for outcome in session.stream(self._images(output, local)):
                if local is not None:
                    local.done(outcome)
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

    async def _images(self, output: Output, local: Local | None) -> AsyncIterator[Image]:
        async for source in self._all(output):
            counted = await local.frames_of(source.path) if local and source.path else None
            choice = self.asked or self._usual(counted)
            try:
                url = local.serve(source.path) if local and source.path else source.name
                image = Image(url, interval=choice.interval, max_frames=choice.max_frames)
            except ValueError as error:
                output.fail(source.name, str(error))
                continue
            self._under_way[id(image)] = source, counted
            yield image

    def _usual(self, counted: FrameCount | None) -> Choice:
        """All that can be read, if it costs nothing."""
        if self.remote is not None or (counted and not counted.readable):
            return FIRST
        return ALL

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
        output.hint(name, f"{each.skipped} skipped: folders, and files not named as a picture")
    return each.sources
