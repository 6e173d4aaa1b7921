"""`aliocr scan`."""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import attrs
import click

from aliocr.cli.output import JSONOutput, Output, TextOutput
from aliocr.cli.sources import Source, listed, named
from aliocr.errors import AuthError
from aliocr.models import Image
from aliocr.session import Session

if TYPE_CHECKING:
    from aliocr.cli.local import Local

__all__ = ["scan"]

STDIN = "-"
COUNT = click.IntRange(min=1)
REGION: str = inspect.signature(Session).parameters["region"].default


@click.command(no_args_is_help=True)
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@click.option("--local", is_flag=True, help="Read on this machine: files too, and no account.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")
@click.option("--interval", type=COUNT, metavar="N", help="Read one of every N frames.")
@click.option("--max-frames", type=COUNT, metavar="N", help="Read at most N frames of a picture.")
@click.option(
    "--endpoint", envvar="ALIOCR_ENDPOINT", show_envvar=True, help="Base URL of the service."
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

    GIFs and long pictures have frames: --interval and --max-frames together say which to read.

    The AccessKey comes from ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET.
    Exit code: 0 all read, 1 some failed, 2 misuse.
    """
    fixed = _found([name for name in sources if name != STDIN], files=local)
    if (interval is None) != (max_frames is None):
        raise click.UsageError("--interval and --max-frames go together")
    if local and click.get_current_context().get_parameter_source("endpoint") == (
        click.core.ParameterSource.COMMANDLINE
    ):
        raise click.UsageError("--local needs no --endpoint: it brings its own service")
    try:
        remote = None if local else Session(endpoint=endpoint, region=region, biz_type=biz_type)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    listing = STDIN in sources
    reading = Reading(fixed, interval, max_frames, remote, listing=listing)
    output = (JSONOutput if as_json else TextOutput)(None if listing else len(fixed))
    try:
        with output:
            asyncio.run(reading.run(output))
    except ImportError as error:
        raise click.UsageError(str(error)) from None
    except AuthError as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has gone; nothing is left to say, nor anybody to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    sys.exit(1 if output.failed else 0)


def _found(names: Sequence[str], *, files: bool) -> list[Source]:
    """The sources on the command line, where one that cannot be read is a slip."""
    found: list[Source] = []
    for name in names:
        try:
            found += named(name, files=files)
        except ValueError as error:
            raise click.BadParameter(f"{name}: {error}") from None
    return found


@attrs.define
class Reading:
    """One run over the sources.

    Args:
        sources: Those on the command line.
        interval: Read one of every so many frames of each; None, with `max_frames`, for the first.
        max_frames: At most so many.
        remote: The session to read with; None for the local service.
        listing: More sources come on standard input.
    """

    sources: list[Source]
    interval: int | None
    max_frames: int | None
    remote: Session | None
    listing: bool
    # The session hands back the very image it was given, so its identity finds the source.
    _sources: dict[int, Source] = attrs.field(factory=dict, init=False)

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
                source = self._sources.pop(id(outcome.image))
                if local is not None:
                    local.done(outcome)
                output.show(source.name, outcome)
                if local is not None and outcome.ok:
                    await self._hint_at_frames(source, local, output)

    async def _hint_at_frames(self, source: Source, local: Local, output: Output) -> None:
        """Say that there is more to read, if it was not asked for."""
        if source.path is None or self.interval is not None:
            return
        total = await local.frames_of(source.path)
        if total > 1:
            reads = f"--interval 1 --max-frames {total} reads all"
            output.hint(source.name, f"the first of {total} frames; {reads}")

    async def _images(self, output: Output, local: Local | None) -> AsyncIterator[Image]:
        async for source in self._all(output):
            try:
                url = local.serve(source.path) if local and source.path else source.name
                image = Image(url, interval=self.interval, max_frames=self.max_frames)
            except ValueError as error:
                output.fail(source.name, str(error))
                continue
            self._sources[id(image)] = source
            yield image

    async def _all(self, output: Output) -> AsyncIterator[Source]:
        for source in self.sources:
            yield source
        if not self.listing:
            return
        async for name in listed():
            try:
                found = list(named(name, files=self.remote is None))
            except ValueError as error:
                output.fail(name, str(error))
                continue
            for source in found:
                yield source
