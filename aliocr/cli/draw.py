"""The command `aliocr draw`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

import aliocr
from aliocr.cli.backend import (
    OF_SERVICE,
    ServiceOptions,
    open_backend,
    refuse_service_options,
    service_options,
)
from aliocr.cli.console import counted, plain, shown, writing
from aliocr.cli.drawing_file import DrawingFile
from aliocr.cli.exits import Misuse, ending, refuse_options
from aliocr.cli.frame_choice import FrameChoice, first_alone, remark
from aliocr.cli.job_output import rows_of
from aliocr.cli.printer import doubt, reason
from aliocr.cli.sources import Source, expand
from aliocr.job.output.result import Read, Result
from aliocr.models import Outcome, Scan
from aliocr.redaction import without_query
from aliocr.report.fetching import Fetcher, MissingError
from aliocr.session import Session

if TYPE_CHECKING:
    from aliocr.pictures.picture import FrameCount

OF_READING = ("local", "interval", "max_frames", *OF_SERVICE)
"""Options that have no effect if the text comes from the output of a job."""

NO_TEXT = "no text was read, so there are no boxes"


@click.command(no_args_is_help=True)
@click.argument("picture")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="The drawing, .png or .jpg.  [default: NAME.boxes.png beside the picture]",
)
@click.option("--font", metavar="FILE", help="Font file for the texts: TTF, OTF or TTC.")
@click.option("--force", is_flag=True, help="Overwrite a file that is not a drawing.")
@click.option(
    "--from",
    "job_output",
    metavar="OUTPUT",
    help="Draw the result of a job, without reading the picture again.",
)
@click.option("--local", is_flag=True, help="Read a URL on this machine, like a file.")
@service_options
def draw(
    picture: str,
    *,
    output: str | None,
    font: str | None,
    force: bool,
    job_output: str | None,
    local: bool,
    service: ServiceOptions,
) -> None:
    """Draw the text of a picture: numbered boxes, and the texts beside it.

    PICTURE is a file or a URL. This machine reads a file. The service reads a URL, or this machine
    with --local. With --from, the text comes from OUTPUT, which a job wrote, and nothing is read.

    Numbers are in reading order. Each frame of a GIF that was read is drawn; a long picture is
    drawn whole. A character that no font has is drawn as a box.
    Exit code: 0 drawn, 1 not read or not written, 2 misuse.
    """
    source = _source(picture)
    target = DrawingFile.of(source, output)
    local = local or source.path is not None
    if job_output is not None:
        refuse_options(OF_READING, "--from does not read the picture")
    elif local:
        refuse_service_options()
    with ending():
        target.check(source, force=force)
        text = (
            JobRow.of(source, job_output)
            if job_output is not None
            else FreshScan(source, None if local else service.session(), service.frames)
        )
        drawing, note = _drawn(source, text, font)
        target.write(drawing.picture)
        for each in filter(None, (note, *drawing.remarks)):
            click.echo(plain(f"{shown(picture)}: {each}"), err=True)
        texts = f"{counted(drawing.texts, 'piece')} of text"
        with writing():
            click.echo(f"{shown(str(target.path))}: {texts if drawing.texts else NO_TEXT}")


def _drawn(
    source: Source, text: FreshScan | JobRow, font: str | None
) -> tuple[aliocr.Drawing, str]:
    """Return the drawing, and a note about its text.

    The font and the picture are checked first, so that no text is read, and charged, in vain.
    """
    # These modules need the extra `pictures`.
    from aliocr.pictures.fonts import FontError, Lettering  # noqa: PLC0415
    from aliocr.pictures.picture import count_frames  # noqa: PLC0415

    try:
        Lettering(font)
    except FontError as error:
        raise Misuse(plain(str(error))) from None
    try:
        data = asyncio.run(_fetch(source.name)) if source.path is None else source.path.read_bytes()
        frames = count_frames(data)
        outcome, note = text.outcome(frames)
        return aliocr.draw(data, outcome, font=font), note
    except aliocr.PictureError as error:
        why = f"not a picture that can be drawn: {error.message}"
    except (MissingError, ValueError) as error:
        why = str(error)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
    raise _failed(source, why)


async def _fetch(url: str) -> bytes:
    async with Fetcher() as fetcher:
        return await fetcher.picture(url)


def _failed(source: Source, why: str) -> click.ClickException:
    return click.ClickException(f"{shown(source.name)}: {plain(why)}")


@attrs.frozen
class FreshScan:
    """The text of a picture that is read now: by this machine, or by the service with a session."""

    source: Source
    session: Session | None
    frames: FrameChoice | None

    def outcome(self, counted: FrameCount) -> tuple[Scan, str]:
        """Read the picture; return its scan, and a note if some frames were not read."""
        outcome = asyncio.run(self._read())
        if not outcome.ok:
            raise _failed(self.source, reason(outcome.error, local=self.session is None))
        if self.session is None:
            notes = ("" if self.frames else remark(counted), doubt(outcome))
            return outcome, "; ".join(filter(None, notes))
        if self.frames is not None:
            return outcome, ""
        note = first_alone(counted, outcome)
        return outcome, note and f"{note}; --interval 1 --max-frames {counted.total} reads all"

    async def _read(self) -> Outcome:
        async with open_backend(self.session, self.frames) as backend:
            image, _ = backend.image_of(self.source)
            (outcome,) = await backend.session.scan_many([image])
            backend.done(outcome)
            return outcome


@attrs.frozen
class JobRow:
    """The text of a picture in the output of a job: the last row of this picture that has text."""

    read: Read
    others: int
    """Number of earlier rows with another text.

    Each may be a row of this picture, or of a URL that differs only in its query.
    """

    @classmethod
    def of(cls, source: Source, output: str) -> JobRow:
        """Find the row of a picture in the output of a job."""
        last: Result | None = None
        others = 0
        for result in rows_of(output):
            if _is_of(result.source, source) and (last is None or result.ok or not last.ok):
                if last is not None and last.ok and result.ok:
                    others += last.text != result.text
                last = result
        if last is None:
            raise Misuse(f"{shown(output)} has no row of {shown(source.name)}")
        if not last.ok:
            raise _failed(source, f"it was not read: {last.error}")
        return cls(last, others)

    def outcome(self, counted: FrameCount) -> tuple[Read, str]:
        """Return the row, and a note if the user may mean another row or other frames."""
        if self.others:
            return self.read, f"{self.others + 1} rows may be of this picture; the last is drawn"
        return self.read, "" if self.read.interval else first_alone(counted, self.read)


def _is_of(name: str, source: Source) -> bool:
    """Return whether a row with this source name is, or may be, a row of the picture."""
    if source.path is not None:
        return Path(name).absolute() == source.path.absolute()
    # By default an output contains URLs without their queries, because the query of a signed URL
    # gives access to the picture.
    return name == source.name or (
        name.endswith(("?…", "#…")) and name == without_query(source.name)
    )


def _source(name: str) -> Source:
    """Return the picture of a name; refuse a folder."""
    if name and Path(name).is_dir():
        raise click.UsageError(f"{shown(name)}: a folder; name one picture")
    try:
        (source,) = expand(name, files=True).sources
    except ValueError as error:
        raise click.UsageError(f"{shown(name) or repr(name)}: {error}") from None
    return source
