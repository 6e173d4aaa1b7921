"""`aliocr scan`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

import attrs
import click

from aliocr.cli.output import Output
from aliocr.cli.sources import Source, listed, named
from aliocr.errors import AuthError
from aliocr.models import Image, Outcome
from aliocr.session import Session

if TYPE_CHECKING:
    from aliocr.cli.local import Local

__all__ = ["scan"]

STDIN = "-"


@click.command(no_args_is_help=True)
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@click.option("--local", is_flag=True, help="Read on this machine: files too, and no account.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")
@click.option("--interval", type=int, help="Read one of every INTERVAL frames.")
@click.option("--max-frames", type=int, help="Read at most so many frames of each picture.")
@click.option("--endpoint", envvar="ALIOCR_ENDPOINT", help="Base URL of the service.")
@click.option("--region", default="cn-shanghai", show_default=True, help="The account's region.")
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
    fixed = list(named((name for name in sources if name != STDIN), files=local))
    if local and click.get_current_context().get_parameter_source("endpoint") == (
        click.core.ParameterSource.COMMANDLINE
    ):
        raise click.UsageError("--local needs no --endpoint: it brings its own service")
    try:
        frames = attrs.evolve(_ANY_IMAGE, interval=interval, max_frames=max_frames)
        remote = None if local else Session(endpoint=endpoint, region=region, biz_type=biz_type)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    reading = Reading(fixed, frames, remote, listing=STDIN in sources)
    total = None if reading.listing else len(fixed)
    try:
        with Output(as_json=as_json, total=total) as output:
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


_ANY_IMAGE = Image("http://localhost/")


@attrs.define
class Reading:
    """One run over the sources.

    Args:
        sources: Those on the command line.
        frames: An image with the frame options that all get.
        remote: The session to read with; None for the local service.
        listing: More sources come on standard input.
    """

    sources: list[Source]
    frames: Image
    remote: Session | None
    listing: bool
    # The session hands back the very image it was given, so its identity finds the source.
    _sources: dict[int, Source] = attrs.field(factory=dict, init=False)

    async def run(self, output: Output) -> None:
        """Read all of them, and show each result as it comes."""
        if self.remote is not None:
            async with self.remote as session:
                async for outcome in session.stream(self._images(output)):
                    output.show(self._source_of(outcome).name, outcome)
            return
        from aliocr.cli.local import local_service  # noqa: PLC0415 - a heavy import

        async with local_service() as local:
            async for outcome in local.session.stream(self._images(output, local)):
                local.done(outcome)
                source = self._source_of(outcome)
                output.show(source.name, outcome)
                if outcome.ok and source.path and self.frames.interval is None:
                    total = await local.frames_of(source.path)
                    if total > 1:
                        reads = f"--interval 1 --max-frames {total} reads all"
                        output.hint(source.name, f"the first of {total} frames; {reads}")

    async def _images(self, output: Output, local: Local | None = None) -> AsyncIterator[Image]:
        async for source in self._all(output):
            try:
                url = local.serve(source.path) if local and source.path else source.name
                image = attrs.evolve(self.frames, url=url)
            except ValueError as error:
                output.fail(source.name, str(error))
                continue
            self._sources[id(image)] = source
            yield image

    def _source_of(self, outcome: Outcome) -> Source:
        return self._sources.pop(id(outcome.image))

    async def _all(self, output: Output) -> AsyncIterator[Source]:
        for source in self.sources:
            yield source
        if not self.listing:
            return
        async for name in listed():
            try:
                found = list(named([name], files=self.remote is None))
            except click.BadParameter as error:
                output.fail(name, error.message.removeprefix(f"{name}: "))
                continue
            for source in found:
                yield source
