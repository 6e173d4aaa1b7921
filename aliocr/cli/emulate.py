"""`aliocr emulate`."""

from __future__ import annotations

import asyncio
import errno
import math
import signal
import socket
import sys
from typing import TypedDict, Unpack

import click

from aliocr.cli.output import writing
from aliocr.credentials import ID_VARIABLE, SECRET_VARIABLE
from aliocr.emulator import Emulator
from aliocr.emulator.engine import RapidOCREngine
from aliocr.emulator.server import DEADLINE
from aliocr.emulator.window import WINDOWS, WindowKind
from aliocr.limits import REQUESTS_PER_SECOND

__all__ = ["emulate"]


def _number(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    """A number from 0 up that is one: neither nan nor infinite, which no comparison would catch."""
    if value is not None and not 0 <= value < math.inf:
        raise click.BadParameter(f"{value:g} is no number from 0 up")
    return value


class Options(TypedDict):
    """What goes to the emulator as it comes."""

    port: int
    host: str
    images_per_second: float | None
    images_in_flight: int | None
    window: WindowKind


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=0,
    show_default="any free one",
    help="Port to listen at.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--deadline",
    type=float,
    callback=_number,
    default=DEADLINE,
    show_default=True,
    help="Seconds for a request, after which unread images are answered with 581; 0 for no limit.",
)
@click.option(
    "--engine",
    type=click.Choice(["rapidocr", "none"]),
    default="rapidocr",
    show_default=True,
    help="What reads the pictures; with none, nothing is downloaded and texts are made up.",
)
@click.option(
    "--requests-per-second",
    type=float,
    callback=_number,
    default=REQUESTS_PER_SECOND,
    show_default=True,
    help="Requests accepted in a second; 0 for no limit.",
)
@click.option(
    "--images-per-second",
    type=float,
    callback=_number,
    help="Images read in a second, beyond which they are answered with 588.",
)
@click.option(
    "--images-in-flight",
    type=click.IntRange(min=1),
    help="Images under detection at once, beyond which they are answered with 588.",
)
@click.option(
    "--window",
    type=click.Choice(WINDOWS),
    default=WINDOWS[0],
    show_default=True,
    help="How the rates are counted.",
)
def emulate(
    *, engine: str, deadline: float, requests_per_second: float, **options: Unpack[Options]
) -> None:
    """Serve an emulator of the service until Ctrl-C, and print how to reach it.

    It checks signatures and limits as the service does, downloads the images and reads them.
    """
    try:
        factory = RapidOCREngine if engine == "rapidocr" else None
        emulator = Emulator(
            factory,
            deadline=deadline or None,
            requests_per_second=requests_per_second or None,
            **options,
        )
        asyncio.run(_serve(emulator))
    except (ImportError, ValueError) as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise _refusal(error, options["host"], options["port"]) from None
    except KeyboardInterrupt:
        sys.exit(130)


def _refusal(error: OSError, host: str, port: int) -> click.UsageError:
    """Why nothing can listen there, and what to do instead."""
    if error.errno == errno.EADDRINUSE:
        return click.UsageError(f"port {port} is taken; use another --port")
    if error.errno == errno.EACCES:
        return click.UsageError(f"port {port} is not for everybody; use another --port")
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return click.UsageError(f"{host} is no address of this machine; use another --host")
    return click.UsageError(f"cannot listen at {host}, port {port}: {error.strerror or error}")


async def _serve(emulator: Emulator) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with emulator:
        with writing():
            click.echo(f"# an emulator of the service at {emulator.url}; stop it with Ctrl-C")
            click.echo(f"export ALIOCR_ENDPOINT={emulator.url}")
            click.echo(f"export {ID_VARIABLE}={emulator.credentials.access_key_id}")
            click.echo(f"export {SECRET_VARIABLE}={emulator.credentials.access_key_secret}")
        await stop.wait()
