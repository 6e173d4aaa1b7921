"""`aliocr draw`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import attrs
import click

import aliocr
from aliocr.cli.backend import (
    Remote,
    asked_frames,
    check_local,
    open_service,
    remote_session,
    service_options,
)
from aliocr.cli.drawing_file import Target
from aliocr.cli.ending import ending
from aliocr.cli.frame_choice import Choice, first_alone, remark
from aliocr.cli.humanize import counted
from aliocr.cli.job_output import rows_of
from aliocr.cli.misuse import Misuse, leave_out
from aliocr.cli.output import plain, reason, shown, writing
from aliocr.cli.sources import Source, found
from aliocr.errors import without_query
from aliocr.job.output.result import Read, Result
from aliocr.models import Outcome, Scan
from aliocr.report.fetching import Fetcher, MissingError
from aliocr.session import Session

if TYPE_CHECKING:
    from aliocr.pictures.picture import FrameCount

OF_READING = ("local", "interval", "max_frames", "endpoint", "region", "biz_type")
"""Options that say how to read, what has been read already."""

NO_PICTURE = "no picture that can be drawn"


@click.command(no_args_is_help=True)
@click.argument("picture")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="The drawing, .png or .jpg; NAME.boxes.png beside the picture if left out.",
)
@click.option("--font", metavar="FILE", help="TTF, OTF or TTC file to write with.")
@click.option("--force", is_flag=True, help="Write over a file that is not a drawing.")
@click.option(
    "--from",
    "job_output",
    metavar="OUTPUT",
    help="Draw what a job has read, instead of reading again.",
)
@click.option("--local", is_flag=True, help="Read on this machine, as files always are.")
@service_options
def draw(
    picture: str,
    *,
    output: str | None,
    font: str | None,
    force: bool,
    job_output: str | None,
    local: bool,
    interval: int | None,
    max_frames: int | None,
    **remote: Unpack[Remote],
) -> None:
    """Draw what is read in a picture: numbered boxes, and the texts beside it.

    PICTURE is a file, which is read on this machine, or a URL, which the service reads, or with
    --local this machine. With --from nothing is read: OUTPUT says what a job has read in it.

    Numbers are in reading order. Each frame of a GIF is drawn that was read; a long picture is
    drawn whole. Characters for which no font is found are boxes.

    Exit code: 0 drawn, 1 not read or not written, 2 misuse.
    """
    asked = asked_frames(interval, max_frames)
    source = _source(picture)
    target = Target.of(source, output)
    here = local or source.path is not None
    if job_output is not None:
        leave_out(OF_READING, "--from reads nothing anew")
    elif here:
        check_local()
    with ending():
        # All that can be known to fail does so before anything is read, and charged.
        _check_font(font)
        target.check(source, force=force)
        reading: Reading | Row
        if job_output is None:
            session = None if here else remote_session(**remote)
            reading = Reading(source, session, asked)
        else:
            reading = Row.of(source, job_output)
        data = _bytes(source)
        counted = _counted(source, data)
        told, known = reading.told(counted)
        drawing = _drawn(source, data, told, font)
        target.write(drawing.picture)
        for each in filter(None, (known, *drawing.remarks)):
            click.echo(plain(f"{shown(picture)}: {each}"), err=True)
        with writing():
            click.echo(f"{shown(str(target.path))}: {_pieces(drawing.texts)}")


@attrs.frozen
class Reading:
    """Has the picture read.

    Args:
        source: Which.
        remote: The session to read with, not yet open; None for the service on this machine.
        asked: Which frames the user wants; None for the usual ones.
    """

    source: Source
    remote: Session | None
    asked: Choice | None

    def told(self, counted: FrameCount) -> tuple[Scan, str]:
        """What is read in it, and what to know of that; empty if it is as one expects.

        Args:
            counted: The frames of the picture.

        Raises:
            ClickException: It was not read.
            AuthError: Nothing is read with this account.
            ImportError: The engine is missing.
        """
        try:
            outcome = asyncio.run(self._outcome())
        except ValueError as error:
            raise _failed(self.source, str(error)) from None
        if outcome.ok:
            return outcome, self._remark(counted)
        remedy = "check the network, --endpoint and --region" if self.remote else ""
        raise _failed(self.source, reason(outcome.error, remedy))

    async def _outcome(self) -> Outcome:
        async with open_service(self.remote, self.asked) as service:
            asked = await service.image_of(self.source)
            (outcome,) = await service.session.scan_many([asked.image])
            service.done(outcome)
            return outcome

    def _remark(self, counted: FrameCount) -> str:
        if self.asked is not None:
            return ""
        if self.remote is None:
            return remark(counted)
        alone, total = first_alone(counted), counted.total
        return alone and f"{alone}; --interval 1 --max-frames {total} reads all"


@attrs.frozen
class Row:
    """What a job has read in the picture.

    Args:
        read: Its last row that says so.
        others: Rows of which one cannot know whether they are of it, and that say otherwise.
    """

    read: Read
    others: int

    @classmethod
    def of(cls, source: Source, output: str) -> Row:
        """Look it up.

        Raises:
            ClickException: The output says nothing of it, or that it was not read.
        """
        last: Result | None = None
        others = 0
        for result in rows_of(output):
            if _is_meant(result.source, source) and (last is None or result.ok or not last.ok):
                others += last is not None and _differ(last, result)
                last = result
        if last is None:
            raise Misuse(f"{shown(output)} has nothing about {shown(source.name)}")
        if not last.ok:
            raise _failed(source, f"it was not read: {last.error}")
        return cls(last, others)

    def told(self, counted: FrameCount) -> tuple[Read, str]:
        """The row, and what to know of it; empty if it is as one expects.

        Args:
            counted: The frames of the picture.
        """
        if self.others:
            return self.read, f"the last of {self.others + 1} rows that may be of it is drawn"
        return self.read, "" if self.read.interval else first_alone(counted)


def _is_meant(name: str, source: Source) -> bool:
    """Whether a row of that name is of the picture."""
    if source.path is not None:
        return Path(name).absolute() == source.path.absolute()
    # Outputs keep no query, as that of a signed URL is a key to the picture.
    return name == source.name or (name.endswith("?…") and name == without_query(source.name))


def _differ(one: Result, other: Result) -> bool:
    return one.ok and other.ok and one.text != other.text


def _source(name: str) -> Source:
    """The one picture that is named."""
    if name and Path(name).is_dir():
        raise click.UsageError(f"{shown(name)}: a folder; name one picture")
    try:
        (source,) = found(name, files=True).sources
    except ValueError as error:
        raise click.UsageError(f"{shown(name) or repr(name)}: {error}") from None
    return source


def _check_font(font: str | None) -> None:
    from aliocr.pictures.fonts import FontError, Lettering  # noqa: PLC0415 - needs the extra

    try:
        Lettering(font)
    except FontError as error:
        raise Misuse(plain(str(error))) from None


def _bytes(source: Source) -> bytes:
    """The picture, as it is now."""
    try:
        if source.path is None:
            return asyncio.run(_fetched(source.name))
        return source.path.read_bytes()
    except MissingError as error:
        raise _failed(source, str(error)) from None
    except OSError as error:
        raise _failed(source, (error.strerror or str(error)).lower()) from None


async def _fetched(url: str) -> bytes:
    async with Fetcher() as fetcher:
        return await fetcher.picture(url)


def _counted(source: Source, data: bytes) -> FrameCount:
    from aliocr.pictures.picture import count_frames  # noqa: PLC0415 - needs the extra

    try:
        return count_frames(data)
    except aliocr.PictureError as error:
        raise _failed(source, f"{NO_PICTURE}: {error.message}") from None


def _drawn(source: Source, data: bytes, told: Scan | Read, font: str | None) -> aliocr.Drawing:
    try:
        return aliocr.draw(data, told, font=font)
    except aliocr.PictureError as error:
        raise _failed(source, f"{NO_PICTURE}: {error.message}") from None
    except ValueError as error:
        raise _failed(source, str(error)) from None


def _failed(source: Source, why: str) -> click.ClickException:
    return click.ClickException(f"{shown(source.name)}: {plain(why)}")


def _pieces(texts: int) -> str:
    if not texts:
        return "no text was read, so there are no boxes"
    return f"{counted(texts, 'piece')} of text"
