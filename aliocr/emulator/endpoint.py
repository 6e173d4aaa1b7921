"""One HTTP request in, one HTTP answer out, by way of the gateway, the plan and the service."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
import uuid
from typing import Never
from urllib.parse import parse_qsl

import attrs
from aiohttp import web

from aliocr import signing, wire
from aliocr.emulator import gateway
from aliocr.emulator.account import Account
from aliocr.emulator.calls import Call, frames_charged
from aliocr.emulator.entry import Entry
from aliocr.emulator.gateway import Refusal
from aliocr.emulator.plan import CODE_NAMES, Breakage, Fault, Plan, Reply
from aliocr.emulator.service import Service
from aliocr.errors import api_error, without_queries
from aliocr.wire import BadRequest, ScanRequest, Task

__all__ = ["Endpoint"]

ANSWERING = 0.2
"""Seconds of a request's deadline kept for writing the answer."""

SENDING = 10.0
"""Seconds for a client to send its body. Not documented; a client itself is advised to wait 6."""

JSON = "application/json;charset=utf-8"

_log = logging.getLogger("aliocr.emulator")


class Endpoint:
    """Handles the requests of one emulator.

    Args:
        account: The one account there is.
        plan: What is to happen to requests and replies.
        service: What answers the requests that pass the gateway.
        calls: Where every request is recorded.
        max_calls: How many records are kept, the last ones; None for all.
        deadline: Seconds from a request's arrival to its answer, above 0.2; None for no deadline.
    """

    def __init__(
        self,
        account: Account,
        plan: Plan,
        service: Service,
        calls: list[Call],
        deadline: float | None,
        *,
        max_calls: int | None = None,
    ) -> None:
        self._account = account
        self._plan = plan
        self._service = service
        self._calls = calls
        self._max_calls = max_calls
        self._deadline = deadline
        self._running: set[asyncio.Task[object]] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The answer to any request whatever; recorded before anything else is done."""
        call = self._recorded(request)
        running = asyncio.current_task()
        if running is not None:
            self._running.add(running)
            running.add_done_callback(self._running.discard)
        try:
            reply = await self._reply(request, call)
        except Exception:  # noqa: BLE001 (the border: a client sees the service's shape, no page)
            _log.error("a request failed in the emulator\n%s", _traceback())
            reply = _refused(Refusal.of("InternalError"), request, call)
        except asyncio.CancelledError:
            # The client left before it had its answer, or the emulator stops.
            _log_call(call)
            raise
        if reply.broken is Breakage.DROP:
            if request.transport is not None:
                request.transport.abort()
            _log_call(call, reply.broken)
            return web.Response()
        call.status, call.code, call.answered = reply.status, reply.code, _moment()
        _log_call(call, reply.broken)
        date = signing.http_date(self._now())
        if reply.broken is Breakage.STALL:
            await _stall(request, reply, date)
        return _response(reply, date)

    def _recorded(self, request: web.Request) -> Call:
        call = Call(_moment(), str(uuid.uuid4()).upper(), request.method, request.rel_url.raw_path)
        self._calls.append(call)
        if self._max_calls is not None:
            del self._calls[: -self._max_calls]
        return call

    def _now(self) -> float:
        """Seconds since the epoch by the service's clock, which may be wrong on purpose."""
        return time.time() + self._plan.skew

    async def aclose(self) -> None:
        """Cancel the requests under way, and wait until they are gone."""
        # A connection kept alive may bring another while these end. Those that are done leave the
        # set a turn of the loop later, and waiting for them alone would not let it turn.
        while running := [task for task in self._running if not task.done()]:
            for task in running:
                task.cancel()
            await asyncio.wait(running)

    async def _reply(self, request: web.Request, call: Call) -> Reply:
        """The answer, and what happens to it."""
        try:
            async with asyncio.timeout(SENDING):
                body = await request.read()
        except TimeoutError:
            words = f"The request body did not arrive within {SENDING:g} seconds."
            return _refused(Refusal.of("InvalidParameter.Format", words), request, call)
        except web.HTTPRequestEntityTooLarge:
            refusal = Refusal.of("InvalidParameter.Format", "The request body is too large.")
            return _refused(refusal, request, call)
        asked = _asked(body)
        if not isinstance(asked, BadRequest):
            call.tasks, call.biz_type = asked.tasks, asked.biz_type
        objection = gateway.check(
            _as_received(request, body),
            self._account,
            now=self._now(),
            moment=_moment(),
        )
        if objection is not None:
            return _refused(objection, request, call)
        fault, delay = self._plan.next_fault(call.tasks), self._plan.next_delay()
        begun = not isinstance(fault, Refusal | Reply)
        granted = self._account.take_images(len(call.tasks) if begun else 0, _moment())
        try:
            reply = await self._serve(asked, granted, fault, request, call)
            await asyncio.sleep(delay)
        finally:
            self._account.put_back(granted)
        return reply

    async def _serve(
        self,
        asked: ScanRequest | BadRequest,
        granted: int,
        fault: Fault | None,
        request: web.Request,
        call: Call,
    ) -> Reply:
        """The answer to a request that passed the gateway."""
        match fault:
            case Breakage.HANG:
                # Ends when the client goes away or the emulator stops: both cancel this.
                await asyncio.Event().wait()
            case Refusal():
                return _refused(fault, request, call)
            case Reply():
                return fault
            case Breakage.CUT | Breakage.DROP | Breakage.STALL | None:
                pass
        if isinstance(asked, BadRequest):
            reply = _refused(Refusal.of(400, str(asked)), request, call)
        else:
            reply = await self._read(asked.tasks, granted, call)
        return attrs.evolve(reply, broken=fault)

    async def _read(self, tasks: tuple[Task, ...], granted: int, call: Call) -> Reply:
        """The first tasks are read, as many as the account's quota has granted."""
        until = None if self._deadline is None else call.arrived + self._deadline - ANSWERING
        answers = await self._service.answer(
            tasks[:granted], request_id=call.request_id, until=until
        )
        call.charged = frames_charged(answers)
        over = tuple((task, api_error(588, CODE_NAMES[588])) for task in tasks[granted:])
        call.answers = self._plan.arrange(answers + over)
        body = wire.encode_reply(call.answers, request_id=call.request_id)
        return Reply(wire.OK, body, JSON, wire.OK)


def _log_call(call: Call, broken: Breakage | None = None) -> None:
    """One line for people: what came, what was said to it, and what it cost."""
    _log.info("%s", Entry.of(call, seconds=_moment() - call.arrived, broken=broken))


def _moment() -> float:
    """Seconds by the loop's clock, which never goes back."""
    return asyncio.get_running_loop().time()


def _asked(body: bytes) -> ScanRequest | BadRequest:
    """What was asked, or what is wrong with it: said only after the gateway has had its say."""
    try:
        return wire.decode_request(body)
    except BadRequest as error:
        return error


def _as_received(request: web.Request, body: bytes) -> gateway.Request:
    """What the gateway looks at, nothing in it normalised: the signature is taken of it."""
    return gateway.Request(
        method=request.method,
        path=request.rel_url.raw_path,
        query=tuple(parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True)),
        headers=request.headers,
        body=body,
    )


def _refused(refusal: Refusal, request: web.Request, call: Call) -> Reply:
    body = wire.encode_refusal(
        refusal.code, refusal.message, request_id=call.request_id, host=request.host
    )
    return Reply(refusal.status, body, JSON, refusal.code, retry_after=refusal.retry_after)


def _response(reply: Reply, date: str) -> web.Response:
    headers = _headers(reply, date)
    if reply.broken is None:
        return web.Response(status=reply.status, body=reply.body, headers=headers)
    headers |= {"Content-Length": str(len(reply.body))}
    response = web.Response(status=reply.status, body=_half(reply), headers=headers)
    response.force_close()
    return response


async def _stall(request: web.Request, reply: Reply, date: str) -> Never:
    """Begin the answer and never end it: the client's leaving, or the emulator's, cancels this."""
    response = web.StreamResponse(status=reply.status, headers=_headers(reply, date))
    response.content_length = len(reply.body)
    await response.prepare(request)
    await response.write(_half(reply))
    while True:
        await asyncio.Event().wait()


def _headers(reply: Reply, date: str) -> dict[str, str]:
    headers = {"Content-Type": reply.content_type, "Date": date}
    if reply.retry_after is not None:
        headers["x-acs-retry-after"] = f"{1000 * reply.retry_after:.0f}"
    return headers


def _half(reply: Reply) -> bytes:
    return reply.body[: len(reply.body) // 2]


def _traceback() -> str:
    """Of the exception being handled, without the queries of the URLs in it, which may be keys."""
    return without_queries(traceback.format_exc())
