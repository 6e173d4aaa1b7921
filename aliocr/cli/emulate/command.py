"""The command `aliocr emulate`."""

from __future__ import annotations

import asyncio
import errno
import math
import socket
from typing import Any

import click

from aliocr.cli.emulate import chaos_option
from aliocr.cli.emulate.options import EmulatorOptions
from aliocr.cli.exits import Misuse
from aliocr.emulator.access.rate_window import WINDOWS
from aliocr.emulator.content import FRAME_FIELDS
from aliocr.emulator.emulator import DEADLINE
from aliocr.limits import REQUESTS_PER_SECOND

MAX_CALLS = 1000
"""Default maximum of requests to remember, each with the codes and frames of its images."""


def _number(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    """Check that a number is at least 0 and finite; refuse nan and infinity."""
    if value is not None and not 0 <= value < math.inf:
        raise click.BadParameter(f"{value:g} is not a finite number of at least 0")
    return value


def _host(_: click.Context, __: click.Parameter, value: str) -> str:
    """Refuse an empty host, because it would mean every address of this machine."""
    if not value:
        raise click.BadParameter("must not be empty")
    return value


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=0,
    show_default="any free one",
    help="Port to listen on.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    callback=_host,
    help="Address to listen on; 0.0.0.0 for all.",
)
@click.option("--access-key-id", metavar="ID", help="Id of the AccessKey; generated if not given.")
@click.option(
    "--access-key-secret",
    metavar="SECRET",
    help="Secret of the AccessKey; never a real one.",
)
@click.option(
    "--accounts",
    "accounts_file",
    metavar="FILE",
    help="TOML file of several accounts, in place of one.",
)
@click.option(
    "--deadline",
    type=float,
    callback=_number,
    default=DEADLINE,
    show_default=True,
    help="Time for a request, in seconds; images not read in time get code 581. 0 for no limit.",
)
@click.option(
    "--engine",
    type=click.Choice(["rapidocr", "none"]),
    default="rapidocr",
    show_default=True,
    help="The OCR engine; with none, nothing is downloaded and the texts are invented.",
)
@click.option(
    "--public-only",
    is_flag=True,
    help="Answer code 401 for addresses that are not public.",
)
@click.option(
    "--frame-fields",
    metavar="FIELDS",
    default=",".join(FRAME_FIELDS),
    show_default=True,
    help="Fields of each frame of GIFs and long images; other scenes have rate,url.",
)
@click.option(
    "--whole-pictures",
    is_flag=True,
    help="Read long pictures uncut, which the service does not do.",
)
@click.option(
    "--requests-per-second",
    type=float,
    callback=_number,
    default=REQUESTS_PER_SECOND,
    show_default=True,
    help="Maximum number of requests per second; 0 for no limit.",
)
@click.option(
    "--images-per-second",
    type=float,
    callback=_number,
    default=0.0,
    show_default="no limit",
    help="Maximum number of images per second; further images get code 588.",
)
@click.option(
    "--images-in-flight",
    type=click.IntRange(min=0),
    default=0,
    show_default="no limit",
    help="Maximum number of images in flight; further images get code 588.",
)
@click.option(
    "--new-account",
    is_flag=True,
    help="Quotas of a new account: 10 per second, 50 in flight.",
)
@click.option(
    "--window",
    type=click.Choice(WINDOWS),
    default=WINDOWS[0],
    show_default=True,
    help="How the rates are counted.",
)
@click.option(
    "--chaos-requests",
    multiple=True,
    metavar="WHAT=RATE",
    callback=chaos_option.request_rates,
    help="Fail this share of requests. WHAT is drop_connection, truncate_body, stall, hang or the "
    "code of a refusal: hang=0.01 or Throttling.User=0.05. May be repeated.",
)
@click.option(
    "--chaos-images",
    multiple=True,
    metavar="CODE=RATE",
    callback=chaos_option.image_rates,
    help="Fail this share of images with this code: 592=0.05. May be repeated.",
)
@click.option(
    "--chaos-delay",
    type=float,
    default=0.0,
    metavar="SECONDS",
    callback=chaos_option.delay,
    help="Delay replies by up to this many seconds.",
)
@click.option(
    "--chaos-seed",
    type=int,
    default=0,
    show_default=True,
    help="The same seed gives the same faults.",
)
@click.option(
    "--max-calls",
    type=click.IntRange(min=1),
    default=MAX_CALLS,
    show_default=True,
    help="Maximum number of requests remembered for the page and the control API.",
)
@click.option("--quiet", is_flag=True, help="Do not log requests on standard error.")
def emulate(**values: Any) -> None:
    """Serve an emulator of the service until Ctrl-C, and print how to use it.

    The emulator checks signatures and limits as the service does, downloads the images and reads
    them. Each request is logged as a line on standard error.

    After Ctrl-C, SIGTERM or SIGHUP, the emulator finishes the requests in flight and ends with exit
    code 0. A second Ctrl-C or SIGTERM ends it immediately, with 130 or 143.
    """
    options = EmulatorOptions(**values)
    run = options.prepare()
    try:
        with run.log.listening():
            asyncio.run(run.serve())
    except ImportError as error:
        raise Misuse(str(error)) from None
    except BrokenPipeError:
        raise  # the reader of standard output is gone; click ends quietly
    except (OSError, UnicodeError) as error:
        # Since Python 3.13 asyncio skips addresses of other machines. If no address is left, it
        # raises an error without an error number.
        foreign = (None, errno.EADDRNOTAVAIL)
        if isinstance(error, UnicodeError | socket.gaierror) or error.errno in foreign:
            why = f"{options.host} is not an address of this machine; use another --host"
        elif error.errno == errno.EADDRINUSE:
            why = f"port {options.port} is taken; use another --port"
        elif error.errno == errno.EACCES:
            why = f"no permission to listen at port {options.port}; use another --port"
        else:
            where = f"{options.host}, port {options.port}"
            why = f"cannot listen at {where}: {error.strerror or error}"
        raise Misuse(why) from None
