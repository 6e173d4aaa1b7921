"""Hardening of aiohttp's web server against malformed requests.

aiohttp leaves three things to its users: request targets that it cannot parse, or answers without a
handler; `Expect` headers that it refuses and cannot repeat; errors in its log that are the client's
fault.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from aiohttp import hdrs, web
from aiohttp.http import HttpProcessingError, RawRequestMessage
from yarl import URL

_log = logging.getLogger("aliocr.emulator.http")


def server_log() -> logging.Logger:
    """Return the log for aiohttp's server; malformed requests are logged at debug level.

    Such a client gets a 400 with the reason; the emulator itself has not failed.
    """
    log = logging.getLogger("aliocr.emulator.server")
    log.addFilter(_is_server_fault)
    return log


def _is_server_fault(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if not isinstance(error, HttpProcessingError | web.RequestPayloadError):
        return True
    _log.debug("malformed request, refused: %s", error)
    return False


async def handle_expect(request: web.Request) -> None:
    """Answer `Expect: 100-continue`, and ignore any other expectation, as HTTP allows.

    aiohttp's own handler refuses others before the request can be recorded, and repeats their bytes
    in its answer. Source: RFC 9110.
    """
    if request.headers[hdrs.EXPECT].lower() != "100-continue":
        return
    with suppress(ConnectionError):  # the request of a client that left is recorded too
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    # As in aiohttp's own handler: nothing of the reply itself is sent yet.
    request.writer.output_size = 0


def accept_any_target(runner: web.AppRunner) -> None:
    """Route a request target that is not a path to the handler of unknown paths.

    aiohttp parses a target such as `http://xn--/` when it makes the request object, where no error
    is caught: the connection would stay open without an answer. A target such as `*`, or
    `a.example:443` of a CONNECT, aiohttp answers without calling a handler.

    The runner must be set up, but not yet listening.
    """
    server = runner.server
    if server is None:
        raise RuntimeError("the runner is not set up")
    make = server.request_factory

    def make_any(message: RawRequestMessage, *others: Any) -> web.BaseRequest:
        with suppress(ValueError):
            request = make(message, *others)
            if request.rel_url.raw_path.startswith("/"):
                return request
        return make(message._replace(url=URL("/")), *others)

    server.request_factory = make_any
