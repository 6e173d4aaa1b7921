"""Who reads the pictures of a command: the service, or the emulator's engine on this machine."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import reduce
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack

import attrs
import click

from aliocr.arguments import ENDPOINT_VARIABLE
from aliocr.cli.frame_choice import ALL, FIRST, Choice
from aliocr.cli.misuse import Misuse, leave_out
from aliocr.cli.sources import Source
from aliocr.credentials import ID_VARIABLE, SECRET_VARIABLE
from aliocr.limits import Limits
from aliocr.models import MAX_ASKED_FRAMES, Image, Outcome
from aliocr.session import REPEAT_BUDGET, Session

if TYPE_CHECKING:
    from aliocr.cli.local import Local
    from aliocr.pictures.picture import FrameCount

COUNT = click.IntRange(1, MAX_ASKED_FRAMES)
OF_THE_SERVICE = ("endpoint", "region", "biz_type", "requests_per_second", "images_per_second")
"""Options that say nothing to an engine on this machine."""

REGION: str = inspect.signature(Session).parameters["region"].default

Command = TypeVar("Command", bound=Callable[..., Any])


class Remote(TypedDict):
    """What the service of an account is reached with."""

    endpoint: str | None
    region: str
    biz_type: str | None


def service_options(command: Command) -> Command:
    """The options of every command that has pictures read."""
    options = (
        click.option("--interval", type=COUNT, metavar="N", help="Read one of every N frames."),
        click.option(
            "--max-frames", type=COUNT, metavar="N", help="Read at most N frames of a picture."
        ),
        click.option(
            "--endpoint",
            envvar=ENDPOINT_VARIABLE,
            show_envvar=True,
            help="Base URL of the service.",
        ),
        click.option("--region", default=REGION, show_default=True, help="The account's region."),
        click.option("--biz-type", help="The moderation policy to apply."),
    )
    return reduce(lambda made, option: option(made), reversed(options), command)


def asked_frames(interval: int | None, max_frames: int | None) -> Choice | None:
    """Which frames the user wants; None for the usual ones.

    Raises:
        UsageError: One number without the other.
    """
    if (interval is None) != (max_frames is None):
        raise click.UsageError("--interval and --max-frames go together")
    return None if interval is None else Choice(interval, max_frames)


def check_local() -> None:
    """Refuse, where this machine reads, what only the service would hear.

    Raises:
        UsageError: It is on the command line.
    """
    leave_out(OF_THE_SERVICE, "this machine reads, not the service")


def remote_session(
    *,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    repeat_budget: int = REPEAT_BUDGET,
    **remote: Unpack[Remote],
) -> Session:
    """A session with the service of the account, not yet open.

    Args:
        limits: What the account allows.
        repeat_budget: Images that may be charged twice.
        remote: As the options say.

    Raises:
        ClickException: An option cannot be what it is, or there is no AccessKey.
    """
    try:
        return Session(limits=limits, repeat_budget=repeat_budget, **remote)
    except ValueError as error:
        missing = [name for name in (ID_VARIABLE, SECRET_VARIABLE) if not os.environ.get(name)]
        if not missing or "AccessKey" not in str(error):
            raise click.UsageError(str(error)) from None
    names = " and ".join(missing)
    raise Misuse(f"no AccessKey: set {names} in the environment; --local needs no account")


@attrs.frozen
class Asked:
    """A source as it goes to whoever reads it.

    Args:
        image: With the frames to read.
        counted: How many it has, if that was looked up: of files, which are at hand.
    """

    image: Image
    counted: FrameCount | None = None


@attrs.frozen
class Service:
    """Whoever reads, ready to.

    Args:
        session: What to read with.
        asked: Which frames the user wants; None for the usual ones.
        local: The service on this machine, if it is that one; it alone reads files.
    """

    session: Session
    asked: Choice | None = None
    local: Local | None = None

    async def image_of(self, source: Source) -> Asked:
        """What to hand to the session for a source.

        Raises:
            ValueError: It can be none; the message says why.
        """
        if self.local is None or source.path is None:
            return self.image(source)
        return await asyncio.to_thread(self.image, source)

    def image(self, source: Source) -> Asked:
        """The same; a file is looked into meanwhile."""
        path = source.path if self.local else None
        counted = self.local.frames_of(path) if self.local and path else None
        choice = self.asked or self._usual(counted)
        url = self.local.serve(path) if self.local and path else source.name
        image = Image(url, interval=choice.interval, max_frames=choice.max_frames)
        return Asked(image, counted)

    def done(self, outcome: Outcome) -> None:
        """Has to be called with each outcome, or no more pictures are read in the end."""
        if self.local is not None:
            self.local.done(outcome)

    def _usual(self, counted: FrameCount | None) -> Choice:
        """All that can be read, if it costs nothing."""
        return FIRST if self.local is None or (counted and not counted.readable) else ALL


@asynccontextmanager
async def open_service(
    remote: Session | None, asked: Choice | None = None
) -> AsyncIterator[Service]:
    """Whoever reads, for as long as the block lasts.

    Args:
        remote: The session to read with, not yet open; None for the service on this machine.
        asked: Which frames the user wants; None for the usual ones.

    Raises:
        ImportError: The extra `emulator` is missing; the message says how to get it.
    """
    if remote is not None:
        async with remote as session:
            yield Service(session, asked)
        return
    from aliocr.cli.local import local_service  # noqa: PLC0415 - a heavy import

    async with local_service() as local:
        yield Service(local.session, asked, local)
