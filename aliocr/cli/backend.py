"""The backend that reads pictures for a command: the service, or the engine on this machine."""

from __future__ import annotations

import inspect
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
import click

from aliocr.arguments import ENDPOINT_VARIABLE
from aliocr.cli.exits import Misuse, refuse_options
from aliocr.cli.frame_choice import FIRST, FrameChoice
from aliocr.cli.sources import Source
from aliocr.credentials import ID_VARIABLE, SECRET_VARIABLE
from aliocr.keys.chain import chain
from aliocr.keys.vendor import CredentialsError, VendorProvider
from aliocr.limits import Limits
from aliocr.models import MAX_ASKED_FRAMES, Image, Outcome
from aliocr.session import REPEAT_BUDGET, Session

if TYPE_CHECKING:
    from aliocr.cli.local import LocalBackend
    from aliocr.pictures.picture import FrameCount

COUNT = click.IntRange(1, MAX_ASKED_FRAMES)
OF_SERVICE = ("endpoint", "region", "biz_type", "profile")
REGION: str = inspect.signature(Session).parameters["region"].default


@attrs.frozen
class ServiceOptions:
    """Values of the options that `service_options` adds; `frames` is None for the default."""

    frames: FrameChoice | None
    endpoint: str | None
    region: str
    biz_type: str | None
    profile: str | None

    def session(
        self,
        *,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        repeat_budget: int = REPEAT_BUDGET,
    ) -> Session:
        """Return a session with the service, for which there are credentials; it is not open."""
        provider = self._provider()
        try:
            session = Session(
                credentials=provider,
                endpoint=self.endpoint,
                region=self.region,
                biz_type=self.biz_type,
                limits=limits,
                repeat_budget=repeat_budget,
            )
            if provider is not None:
                provider.find()
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        except CredentialsError as error:
            raise Misuse(f"{error}; --local needs no account") from None
        return session

    def _provider(self) -> VendorProvider | None:
        """Return the vendor's chain; None if an AccessKey in the environment is to be used."""
        missing = [name for name in (ID_VARIABLE, SECRET_VARIABLE) if not os.environ.get(name)]
        if self.profile is None and not missing:
            return None
        try:
            return chain(self.profile)
        except ImportError as error:
            if self.profile is not None:
                raise Misuse(str(error)) from None
            names = " and ".join(missing)
            raise Misuse(
                f"no AccessKey: set {names} in the environment; {error}; --local needs no account"
            ) from None


def service_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the service options to a command, which gets their values as one argument, `service`."""

    @click.option("--interval", type=COUNT, metavar="N", help="Read one of every N frames.")
    @click.option(
        "--max-frames", type=COUNT, metavar="N", help="Read at most N frames of a picture."
    )
    @click.option(
        "--endpoint", envvar=ENDPOINT_VARIABLE, show_envvar=True, help="Base URL of the service."
    )
    @click.option("--region", default=REGION, show_default=True, help="The account's region.")
    @click.option("--biz-type", help="The moderation policy to apply.")
    @click.option(
        "--profile", metavar="NAME", help="Profile of the vendor's command line that has the key."
    )
    @wraps(command)
    def packed(*, interval: int | None, max_frames: int | None, **others: Any) -> None:
        if (interval is None) != (max_frames is None):
            raise click.UsageError("--interval and --max-frames must be used together")
        frames = None if interval is None else FrameChoice(interval, max_frames)
        of_service = {name: others.pop(name) for name in OF_SERVICE}
        command(service=ServiceOptions(frames, **of_service), **others)

    return packed


def refuse_service_options() -> None:
    """Refuse the options that have no effect when this machine reads the pictures."""
    names = (*OF_SERVICE, "requests_per_second", "images_per_second")
    refuse_options(names, "this machine reads the pictures, not the service")


@attrs.frozen
class RemoteBackend:
    """The service: an open session, and the frames to read (None for the default frames)."""

    session: Session
    frames: FrameChoice | None

    def image_of(self, source: Source) -> tuple[Image, FrameCount | None]:
        """Return the image of a source, and None, because only the frames of files are counted."""
        return (self.frames or FIRST).image(source.name), None

    def done(self, outcome: Outcome) -> None:
        """Do nothing. Callers call this for any backend, because `LocalBackend` needs the call."""


Backend: TypeAlias = "RemoteBackend | LocalBackend"


@asynccontextmanager
async def open_backend(
    session: Session | None, frames: FrameChoice | None
) -> AsyncIterator[Backend]:
    """Open a backend for the block: the service, or this machine if `session` is None.

    Raises:
        ImportError: The extra `emulator` is missing; the message says how to install it.
    """
    if session is not None:
        async with session:
            yield RemoteBackend(session, frames)
        return
    from aliocr.cli.local import open_local  # noqa: PLC0415 - a heavy import

    async with open_local(frames) as backend:
        yield backend
