"""Hardening of aiohttp's web server against malformed requests.

aiohttp leaves three problems to its users:

* It cannot parse some request targets, and it answers some other targets without calling a handler.
* It refuses unknown `Expect` headers before a handler sees the request.
* Its log contains errors that are the client's fault.
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
    """Return the logger for aiohttp's server; malformed requests are logged at debug level.

    Reason: the client gets a 400 with the cause, and the emulator itself has not failed.
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

    aiohttp's default handler refuses other expectations before the request can be recorded, and
    repeats the client's bytes in the answer. Source: RFC 9110.
    """
    if request.headers[hdrs.EXPECT].lower() != "100-continue":
        return
    with suppress(ConnectionError):  # a request is recorded even if its client has left
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    # Set to 0, as in aiohttp's default handler, because these bytes do not belong to the reply.
    request.writer.output_size = 0


def accept_any_target(runner: web.AppRunner) -> None:
    """Route a request target that is not a path to the handler of unknown paths.

    aiohttp parses a target such as `http://xn--/` when it makes the request object. If parsing
    fails, nothing catches the error, so the connection would stay open without an answer. A target
    such as `*`, or `a.example:443` in a CONNECT, is answered by aiohttp without calling a handler.

    Call this after the setup of the runner and before it listens.
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
