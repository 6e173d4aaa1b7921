"""`aliocr emulate`."""

from __future__ import annotations

import asyncio
import errno
import math
import socket
from collections.abc import Mapping
from typing import TypedDict, Unpack

import click

from aliocr.cli.emulate import chaos_option
from aliocr.cli.emulate.request_log import RequestLog
from aliocr.cli.emulate.runner import Running
from aliocr.cli.misuse import Misuse, leave_out
from aliocr.credentials import Credentials
from aliocr.emulator import NEW_ACCOUNT, Account, Emulator, read_accounts
from aliocr.emulator.access.account import QuotaOptions
from aliocr.emulator.access.rate_window import WINDOWS, WindowKind
from aliocr.emulator.emulator import DEADLINE
from aliocr.emulator.engine import RapidOCREngine
from aliocr.emulator.http.log_line import escaped
from aliocr.limits import REQUESTS_PER_SECOND

MAX_CALLS = 1000
"""Requests remembered, with the code and the frames of each of their images."""

PATIENCE = 1.0
"""Seconds for the requests under way when it is to stop, beyond the deadline they have anyway."""

OF_ONE_ACCOUNT = (
    "access_key_id",
    "access_key_secret",
    "requests_per_second",
    "images_per_second",
    "images_in_flight",
    "new_account",
    "window",
)
"""What an accounts file says instead."""


def _number(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    """A number from 0 up that is one: neither nan nor infinite, which no comparison would catch."""
    if value is not None and not 0 <= value < math.inf:
        raise click.BadParameter(f"{value:g} is no number from 0 up")
    return value


def _host(_: click.Context, __: click.Parameter, value: str) -> str:
    """Not empty, which would be every address of this machine without a word."""
    if not value:
        raise click.BadParameter("an empty one is no address")
    return value


class Options(TypedDict):
    """What goes to the emulator as it comes."""

    port: int
    host: str
    window: WindowKind
    max_calls: int


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=0,
    show_default="any free one",
    help="Port to listen at.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    callback=_host,
    help="Address to listen at; 0.0.0.0 lets other machines in.",
)
@click.option("--access-key-id", metavar="ID", help="The AccessKey; made up if left out.")
@click.option(
    "--access-key-secret", metavar="SECRET", help="Its secret; never that of a real account."
)
@click.option(
    "--accounts",
    "accounts_file",
    metavar="FILE",
    help="TOML file of accounts with keys, states and limits, instead of one account.",
)
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
    "--public-only",
    is_flag=True,
    help="Download from public addresses only; those of this machine and its networks are 401.",
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
    default=0.0,
    show_default="no limit",
    help="Images read in a second, beyond which they are answered with 588.",
)
@click.option(
    "--images-in-flight",
    type=click.IntRange(min=0),
    default=0,
    show_default="no limit",
    help="Images under detection at once, beyond which they are answered with 588.",
)
@click.option(
    "--new-account",
    is_flag=True,
    help="The images per second and in flight of an account that never asked for more: 10 and 50.",
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
    help="Have this part of the requests fail: drop_connection=0.01, truncate_body, stall, hang, "
    "or the code of a refusal, Throttling.User=0.05. May be repeated.",
)
@click.option(
    "--chaos-images",
    multiple=True,
    metavar="CODE=RATE",
    callback=chaos_option.image_rates,
    help="Have this part of the images fail with this code: 592=0.05. May be repeated.",
)
@click.option(
    "--chaos-delay",
    type=float,
    default=0.0,
    metavar="SECONDS",
    callback=chaos_option.delay,
    help="Hold answers back by up to so many seconds.",
)
@click.option(
    "--chaos-seed",
    type=int,
    default=0,
    show_default=True,
    help="The same seed draws the same faults for the same requests.",
)
@click.option(
    "--max-calls",
    type=click.IntRange(min=1),
    default=MAX_CALLS,
    show_default=True,
    help="Requests remembered for the page and the control API.",
)
@click.option("--quiet", is_flag=True, help="Log no requests on standard error.")
def emulate(
    *,
    access_key_id: str | None,
    access_key_secret: str | None,
    accounts_file: str | None,
    deadline: float,
    engine: str,
    public_only: bool,
    requests_per_second: float,
    images_per_second: float,
    images_in_flight: int,
    new_account: bool,
    chaos_requests: Mapping[str, float],
    chaos_images: Mapping[int, float],
    chaos_delay: float,
    chaos_seed: int,
    quiet: bool,
    **options: Unpack[Options],
) -> None:
    """Serve an emulator of the service until Ctrl-C, and print how to reach it.

    It checks signatures and limits as the service does, downloads the images and reads them. Each
    request is a line on standard error.

    Ctrl-C or SIGTERM has it finish the requests under way and end with exit code 0. A second one
    ends it at once, with 130 or 143.
    """
    try:
        emulator = Emulator(
            RapidOCREngine if engine == "rapidocr" else None,
            credentials=_credentials(access_key_id, access_key_secret),
            accounts=_accounts(accounts_file),
            deadline=deadline or None,
            private_addresses=not public_only,
            brief_calls=True,
            requests_per_second=requests_per_second or None,
            **_quota(images_per_second, images_in_flight, new_account=new_account),
            **options,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    emulator.chaos(chaos_seed, requests=chaos_requests, images=chaos_images, delay=chaos_delay)
    given = None if access_key_id is None else "given"
    running = Running(
        emulator,
        RequestLog(requests=not quiet, accounts=accounts_file is not None),
        host=options["host"],
        known=f"in {escaped(accounts_file)}" if accounts_file else given,
        fetches=engine != "none" and not public_only,
        grace=(deadline or DEADLINE) + chaos_delay + PATIENCE,
    )
    _serve(running, options["port"])


def _credentials(access_key_id: str | None, access_key_secret: str | None) -> Credentials | None:
    """The key that was given, both halves or none.

    None is taken from the environment, where clients find theirs: it may be a real one there, and
    the id is printed here, logged, and shown to whoever reaches the port.
    """
    if access_key_id is None and access_key_secret is None:
        return None
    if access_key_id is None or access_key_secret is None:
        raise click.UsageError("--access-key-id and --access-key-secret go together")
    return Credentials(access_key_id, access_key_secret)


def _quota(images_per_second: float, images_in_flight: int, *, new_account: bool) -> QuotaOptions:
    """What was asked for, in one way or the other."""
    if not new_account:
        return {
            "images_per_second": images_per_second or None,
            "images_in_flight": images_in_flight or None,
        }
    leave_out(("images_per_second", "images_in_flight"), "--new-account says both", variables=True)
    return NEW_ACCOUNT


def _accounts(file: str | None) -> tuple[Account, ...] | None:
    """Those of the file, and nothing said of the one account beside it."""
    if file is None:
        return None
    leave_out(OF_ONE_ACCOUNT, "--accounts says it all", variables=True)
    try:
        return read_accounts(file)
    except ValueError as error:
        raise Misuse(str(error)) from None


def _serve(running: Running, port: int) -> None:
    """To the end; what keeps it from beginning is a misuse."""
    try:
        asyncio.run(running.run())
    except ImportError as error:
        raise Misuse(str(error)) from None
    except BrokenPipeError:
        raise  # nobody reads standard output; click ends quietly
    except (OSError, UnicodeError) as error:
        raise _misuse(error, running.host, port) from None


def _misuse(error: OSError | UnicodeError, host: str, port: int) -> Misuse:
    """Why nothing can listen there, and what to do instead."""
    # Since Python 3.13 asyncio passes over addresses of others, and has no number for none left.
    of_others = (None, errno.EADDRNOTAVAIL)
    if isinstance(error, UnicodeError | socket.gaierror) or error.errno in of_others:
        return Misuse(f"{host} is no address of this machine; use another --host")
    if error.errno == errno.EADDRINUSE:
        return Misuse(f"port {port} is taken; use another --port")
    if error.errno == errno.EACCES:
        return Misuse(f"port {port} is not for everybody; use another --port")
    return Misuse(f"cannot listen at {host}, port {port}: {error.strerror or error}")
