"""`aliocr emulate`."""

from __future__ import annotations

import asyncio
import signal
import sys

import click

from aliocr.credentials import ID_VARIABLE, SECRET_VARIABLE
from aliocr.emulator import Emulator
from aliocr.emulator.engine import RapidOCREngine

__all__ = ["emulate"]


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
    default=6.0,
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
def emulate(*, port: int, host: str, deadline: float, engine: str) -> None:
    """Serve an emulator of the service until Ctrl-C, and print how to reach it.

    It checks signatures and limits as the service does, downloads the images and reads them.
    """
    try:
        factory = RapidOCREngine if engine == "rapidocr" else None
        emulator = Emulator(factory, host=host, port=port, deadline=deadline or None)
        asyncio.run(_serve(emulator))
    except (ImportError, OSError, ValueError) as error:
        raise click.UsageError(str(error)) from None
    except KeyboardInterrupt:
        sys.exit(130)


async def _serve(emulator: Emulator) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with emulator:
        click.echo(f"# an emulator of the service at {emulator.url}; stop it with Ctrl-C")
        click.echo(f"export ALIOCR_ENDPOINT={emulator.url}")
        click.echo(f"export {ID_VARIABLE}={emulator.credentials.access_key_id}")
        click.echo(f"export {SECRET_VARIABLE}={emulator.credentials.access_key_secret}")
        await stop.wait()
