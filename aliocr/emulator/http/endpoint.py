"""One HTTP request in, one HTTP answer out, by way of the gateway, the plan and the service."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
import uuid
from typing import Never

import attrs
from aiohttp import web
from aiohttp.http import HttpProcessingError

from aliocr.checks import is_count, is_number
from aliocr.emulator.access import checks
from aliocr.emulator.access.account import Account
from aliocr.emulator.access.accounts import Accounts
from aliocr.emulator.access.refusal import Refusal
from aliocr.emulator.access.request import Request
from aliocr.emulator.calls import Call, count_charged
from aliocr.emulator.chaos import ConnectionFault
from aliocr.emulator.codes import image_error
from aliocr.emulator.fairness import LoopSlices
from aliocr.emulator.http.log_line import LogLine
from aliocr.emulator.http.reply_writer import ReplyWriter, response
from aliocr.emulator.http.xml import XML, xml_parts
from aliocr.emulator.instructions import HttpReply, Instructions, RequestFault
from aliocr.emulator.reading.service import Service
from aliocr.errors import without_queries
from aliocr.protocol import signing, wire
from aliocr.protocol.wire import BadRequest, ScanRequest, Task

ANSWERING = 0.2
"""Seconds of a request's deadline kept for writing the answer."""

BODY_TIMEOUT = 6.0
"""Seconds that a body may take to arrive. The web server alone would wait for the rest of one whose
chunks are in disorder for as long as the client stays."""

JSON = "application/json;charset=utf-8"

_log = logging.getLogger("aliocr.emulator")


def check_bounds(deadline: float | None, max_calls: int | None) -> None:
    """Refuse these arguments of an `Endpoint` if they are too small or no numbers.

    Raises:
        ValueError: They are.
    """
    if deadline is not None and not (is_number(deadline) and deadline > ANSWERING):
        raise ValueError(f"deadline must be above {ANSWERING} s or None, not {deadline!r}")
    if max_calls is not None and not is_count(max_calls, 1):
        raise ValueError(f"max_calls must be 1 or more or None, not {max_calls!r}")


class Endpoint:
    """Handles the requests of one emulator.

    Args:
        accounts: All there are.
        plan: What is to happen to requests and replies.
        service: What answers the requests that pass the gateway.
        slices: Shared with the service.
        calls: Where every request is recorded.
        deadline: Seconds from a request's arrival to its answer, above 0.2; None for no deadline.
        max_calls: How many records are kept, the last ones; None for all.
        brief_calls: Make each brief when its request is done with.
    """

    def __init__(
        self,
        accounts: Accounts,
        instructions: Instructions,
        service: Service,
        slices: LoopSlices,
        *,
        calls: list[Call],
        deadline: float | None,
        max_calls: int | None = None,
        brief_calls: bool = False,
    ) -> None:
        self._accounts = accounts
        self._instructions = instructions
        self._service = service
        self._calls = calls
        self._max_calls = max_calls
        self._brief_calls = brief_calls
        self._slices = slices
        self._writer = ReplyWriter(slices)
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
            headers = self._headers(reply)
        except Exception:  # noqa: BLE001 (the border: a client sees the service's shape, no page)
            _log.error("a request failed in the emulator\n%s", _traceback())
            reply = _refused(Refusal.of("InternalError"), request, call)
            headers = self._headers(reply)
        except asyncio.CancelledError:
            # The client left before it had its answer, or the emulator stops.
            self._close(call)
            raise
        if reply.broken is ConnectionFault.DROP:
            if request.transport is not None:
                request.transport.abort()
            self._close(call, reply.broken)
            return web.Response()
        call.status, call.code, call.answered = reply.status, reply.code, _moment()
        self._close(call, reply.broken)
        if reply.broken is ConnectionFault.STALL:
            await _stall(request, reply, headers)
        return _response(reply, headers)

    def _recorded(self, request: web.Request) -> Call:
        call = Call(_moment(), str(uuid.uuid4()).upper(), request.method, request.rel_url.raw_path)
        self._calls.append(call)
        if self._max_calls is not None:
            del self._calls[: -self._max_calls]
        return call

    def _close(self, call: Call, broken: ConnectionFault | None = None) -> None:
        """Done with: a line for people, and no more kept than is asked."""
        _log.info("%s", LogLine.of(call, seconds=_moment() - call.arrived, broken=broken))
        if self._brief_calls:
            call.make_brief()

    async def aclose(self) -> None:
        """Cancel the requests under way, and wait until they are gone."""
        # A connection kept alive may bring another while these end. Those that are done leave the
        # set a turn of the loop later, and waiting for them alone would not let it turn.
        while running := [task for task in self._running if not task.done()]:
            for task in running:
                task.cancel()
            await asyncio.wait(running)

    async def _reply(self, request: web.Request, call: Call) -> HttpReply:
        """The answer, and what happens to it."""
        body = await _body_of(request)
        if isinstance(body, Refusal):
            return _refused(body, request, call)
        async with self._slices.take(call.request_id):
            admitted = self._admitted(request, body, call)
        if isinstance(admitted, Refusal):
            return _refused(admitted, request, call)
        account, asked = admitted
        fault, delay = self._instructions.next_fault(call.tasks), self._instructions.next_delay()
        wanted = _looked_at(asked, account)
        begun = isinstance(wanted, ScanRequest) and not isinstance(fault, Refusal | HttpReply)
        granted = account.take_images(len(call.tasks) if begun else 0, _moment())
        try:
            reply = await self._serve(wanted, granted, fault, request, call)
            await asyncio.sleep(delay)
        finally:
            account.put_back(granted)
        return reply

    def _admitted(
        self, request: web.Request, body: bytes, call: Call
    ) -> tuple[Account, ScanRequest | BadRequest] | Refusal:
        """Whose request it is, and what it asks for or what is wrong with it; or why not."""
        received = _as_received(request, body)
        account = checks.signer(received, self._accounts, now=self._now())
        if isinstance(account, Refusal):
            return account
        # Only now, because strangers would have it read and recorded for nothing.
        asked = _asked(body)
        call.account = account.uid
        if isinstance(asked, ScanRequest):
            call.tasks, call.biz_type = asked.tasks, asked.biz_type
        return checks.check_rate(account, moment=_moment()) or (account, asked)

    async def _serve(
        self,
        wanted: ScanRequest | Refusal,
        granted: int,
        fault: RequestFault | None,
        request: web.Request,
        call: Call,
    ) -> HttpReply:
        """The answer to a request that passed the gateway."""
        match fault:
            case ConnectionFault.HANG:
                # Ends when the client goes away or the emulator stops: both cancel this.
                await asyncio.Event().wait()
            case Refusal():
                return _refused(fault, request, call)
            case HttpReply():
                return fault
            case ConnectionFault.CUT | ConnectionFault.DROP | ConnectionFault.STALL | None:
                pass
        if isinstance(wanted, Refusal):
            reply = _refused(wanted, request, call)
        else:
            reply = await self._read(wanted.tasks, granted, request, call)
        return attrs.evolve(reply, broken=fault)

    async def _read(
        self, tasks: tuple[Task, ...], granted: int, request: web.Request, call: Call
    ) -> HttpReply:
        """The first tasks are read, as many as the account's quota has granted."""
        until = None if self._deadline is None else call.arrived + self._deadline - ANSWERING
        answers = await self._service.answer(
            tasks[:granted], request_id=call.request_id, until=until
        )
        async with self._slices.take(call.request_id):
            call.charged = count_charged(answers)
            over = tuple((task, image_error(588)) for task in tasks[granted:])
            call.answers = self._instructions.arrange(answers + over)
        xml = _wants_xml(request)
        parts = await self._writer.reply(call.answers, request_id=call.request_id, xml=xml)
        return HttpReply(wire.OK, parts, XML if xml else JSON, wire.OK)

    def _now(self) -> float:
        """Seconds since the epoch by the service's clock, which may be wrong on purpose."""
        return time.time() + self._instructions.skew

    def _headers(self, reply: HttpReply) -> dict[str, str]:
        headers = {"Content-Type": reply.content_type}
        if reply.code is not None:
            headers["Date"] = signing.http_date(self._now())
        if reply.retry_after is not None:
            headers["x-acs-retry-after"] = f"{1000 * reply.retry_after:.0f}"
        return headers


def _moment() -> float:
    """Seconds by the loop's clock, which never goes back."""
    return asyncio.get_running_loop().time()


async def _body_of(request: web.Request) -> bytes | Refusal:
    """The whole body, or why there is none."""
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            return await request.read()
    except TimeoutError:
        words = f"The request body did not arrive within {BODY_TIMEOUT:g} s."
    except web.HTTPRequestEntityTooLarge:
        words = "The request body is too large."
    except (web.RequestPayloadError, HttpProcessingError):
        # The second where aiohttp has no compiled parser.
        words = "The request body is malformed."
    return Refusal.of("InvalidParameter.Format", words)


def _asked(body: bytes) -> ScanRequest | BadRequest:
    """What was asked, or what is wrong with it: said only after the gateway has had its say."""
    try:
        return wire.decode_request(body)
    except BadRequest as error:
        return error


def _looked_at(asked: ScanRequest | BadRequest, account: Account) -> ScanRequest | Refusal:
    """The request, or what the service says to it before it looks at any image."""
    if isinstance(asked, BadRequest):
        return Refusal.of(400, str(asked))
    return account.refusal() or asked


def _as_received(request: web.Request, body: bytes) -> Request:
    """What the gateway looks at."""
    return Request(
        method=request.method,
        path=request.rel_url.raw_path,
        query_string=request.rel_url.raw_query_string,
        fields=tuple(request.headers.items()),
        body=body,
    )


def _wants_xml(request: web.Request) -> bool:
    """Whether the client does not accept JSON; who does not say what it accepts gets that."""
    accept = request.headers.get("Accept", "").lower().strip()
    return bool(accept) and "json" not in accept


def _refused(refusal: Refusal, request: web.Request, call: Call) -> HttpReply:
    # Bytes outside UTF-8 arrive as lone surrogates, which no JSON can hold.
    host = request.headers.get("Host", "").encode(errors="replace").decode()
    body = wire.encode_refusal(refusal.code, refusal.message, request_id=call.request_id, host=host)
    xml = _wants_xml(request)
    return HttpReply(
        refusal.status,
        tuple(xml_parts(body)) if xml else (body,),
        XML if xml else JSON,
        refusal.code,
        retry_after=refusal.retry_after,
    )


def _response(reply: HttpReply, headers: dict[str, str]) -> web.Response:
    if reply.broken is None:
        return response(reply.status, reply.parts, headers)
    half = response(reply.status, reply.half, headers, length=reply.length)
    half.force_close()
    return half


async def _stall(request: web.Request, reply: HttpReply, headers: dict[str, str]) -> Never:
    """Begin the answer and never end it: the client's leaving, or the emulator's, cancels this."""
    begun = web.StreamResponse(status=reply.status, headers=headers)
    begun.content_length = reply.length
    await begun.prepare(request)
    for part in reply.half:
        await begun.write(part)
    while True:
        await asyncio.Event().wait()


def _traceback() -> str:
    """Of the exception being handled, without the queries of the URLs in it, which may be keys."""
    return without_queries(traceback.format_exc())
