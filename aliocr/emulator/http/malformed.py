"""What keeps bytes of any kind from getting the better of aiohttp's web server.

Three things that it leaves to its users: requests that it cannot even represent, or answers by
itself; an expectation that it cannot repeat; and errors in its log for what is its clients' fault.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from aiohttp import hdrs, web
from aiohttp.http import HttpProcessingError, RawRequestMessage
from yarl import URL

_NOWHERE = URL("/")

_log = logging.getLogger("aliocr.emulator.http")


def server_log() -> logging.Logger:
    """The log for aiohttp's server: what is no HTTP is told at the level of debugging.

    The client has its answer, a 400 that says why; the emulator has failed at nothing.
    """
    log = logging.getLogger("aliocr.emulator.server")
    log.addFilter(_is_our_fault)
    return log


def _is_our_fault(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if not isinstance(error, HttpProcessingError | web.RequestPayloadError):
        return True
    _log.debug("no HTTP, refused: %s", error)
    return False


async def expect(request: web.Request) -> None:
    """Answers `Expect: 100-continue`, and passes over what else is expected, as HTTP allows.

    aiohttp's own refuses that before anybody can record it, and repeats it, in bytes of any kind.
    Source: RFC 9110.
    """
    if request.headers[hdrs.EXPECT].lower() != "100-continue":
        return
    with suppress(ConnectionError):  # one that has left already is recorded all the same
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    # As aiohttp's own does it: of the answer itself nothing is sent yet.
    request.writer.output_size = 0


def take_any_target(runner: web.AppRunner) -> None:
    """Have a target that is no path of a server's looked up as one that is unknown.

    Such as `http://xn--/`, which aiohttp reads when it makes its request object, outside of
    everything that catches errors: the connection would stay open and silent. And `*` or the
    `a.example:443` of a CONNECT, which it answers by itself before any handler hears of it.

    Args:
        runner: Set up, but not yet listening.
    """
    server = runner.server
    if server is None:
        raise RuntimeError("the runner is not set up")
    make = server.request_factory

    def make_any(message: RawRequestMessage, *others: Any) -> web.BaseRequest:
        try:
            request = make(message, *others)
        except ValueError:
            return make(message._replace(url=_NOWHERE), *others)
        if request.rel_url.raw_path.startswith("/"):
            return request
        return make(message._replace(url=_NOWHERE), *others)

    server.request_factory = make_any
