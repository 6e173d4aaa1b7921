"""The endpoint: checks if an HTTP request may pass, lets its images be read, and replies."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
import uuid

import attrs
from aiohttp import web

from aliocr.checks import is_count, is_number
from aliocr.emulator.access import checks
from aliocr.emulator.access.account import Account
from aliocr.emulator.access.accounts import Accounts
from aliocr.emulator.access.refusal import Refusal
from aliocr.emulator.access.request import RawRequest
from aliocr.emulator.calls import Call, count_charged
from aliocr.emulator.chaos import ConnectionFault
from aliocr.emulator.codes import image_error
from aliocr.emulator.fairness import LoopSlices
from aliocr.emulator.http.body import BodyError, read_body
from aliocr.emulator.http.frame_sender import FRAMES
from aliocr.emulator.http.log_line import LogLine
from aliocr.emulator.http.reply_writer import response, write_reply
from aliocr.emulator.http.xml import XML, xml_parts
from aliocr.emulator.instructions import HttpReply, Instructions, RequestFault
from aliocr.emulator.reading.service import Service
from aliocr.protocol import signing, wire
from aliocr.protocol.wire import BadRequest, ScanRequest
from aliocr.redaction import without_queries

ANSWERING = 0.2
"""Time before a request's deadline that is reserved for writing the reply, in seconds."""

JSON = "application/json;charset=utf-8"

_log = logging.getLogger("aliocr.emulator")


def check_bounds(deadline: float | None, max_calls: int | None) -> None:
    """Raise ValueError if an argument of an `Endpoint` is too small or not a number."""
    if deadline is not None and not (is_number(deadline) and deadline > ANSWERING):
        raise ValueError(f"deadline must be above {ANSWERING} s, or None, not {deadline!r}")
    if max_calls is not None and not is_count(max_calls, 1):
        raise ValueError(f"max_calls must be 1 or more, or None, not {max_calls!r}")


class Endpoint:
    """Handles the requests of one emulator; the last four arguments are as in `Emulator`."""

    def __init__(
        self,
        accounts: Accounts,
        instructions: Instructions,
        service: Service,
        slices: LoopSlices,
        *,
        calls: list[Call],
        deadline: float | None,
        max_calls: int | None,
        brief_calls: bool,
    ) -> None:
        self._accounts = accounts
        self._instructions = instructions
        self._service = service
        self._calls = calls
        self._max_calls = max_calls
        self._brief_calls = brief_calls
        self._slices = slices
        self._deadline = deadline
        self._running: set[asyncio.Task[object]] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Record the request, then return the reply, also to a bad request."""
        request_id = str(uuid.uuid4()).upper()
        call = Call(_loop_time(), request_id, request.method, request.rel_url.raw_path)
        self._calls.append(call)
        if self._max_calls is not None:
            del self._calls[: -self._max_calls]
        running = asyncio.current_task()
        if running is not None:
            self._running.add(running)
            running.add_done_callback(self._running.discard)
        try:
            reply = await self._reply(request, call)
            headers = self._headers(reply)
        except Exception:  # noqa: BLE001 (the client gets a reply in the service's form)
            # The queries of URLs are removed, because a query may give access to the image.
            words = without_queries(traceback.format_exc())
            _log.error("an error in the emulator made a request fail\n%s", words)
            reply = _refused(Refusal.of("InternalError"), request, call)
            headers = self._headers(reply)
        except asyncio.CancelledError:
            # The client left before the reply, or the emulator stops.
            self._close(call)
            raise
        if reply.broken is not ConnectionFault.DROP:
            call.status, call.code, call.answered = reply.status, reply.code, _loop_time()
        self._close(call, reply.broken)
        return await _send(reply, headers, request)

    def _close(self, call: Call, broken: ConnectionFault | None = None) -> None:
        """Log the finished request, and make its record brief if `brief_calls` is set."""
        _log.info("%s", LogLine.of(call, seconds=_loop_time() - call.arrived, broken=broken))
        if self._brief_calls:
            call.make_brief()

    async def aclose(self) -> None:
        """Cancel the requests in flight, and wait until these requests have ended."""
        # Repeated, because a kept-alive connection may bring another request during the wait. Done
        # tasks leave the set only in the next iteration of the loop. They are not waited for,
        # because a wait for done tasks returns at once, so this loop would block the event loop.
        while running := [task for task in self._running if not task.done()]:
            for task in running:
                task.cancel()
            await asyncio.wait(running)

    async def _reply(self, request: web.Request, call: Call) -> HttpReply:
        try:
            body = await read_body(request)
        except BodyError as error:
            refusal = Refusal.of("InvalidParameter.Format", f"The {error}.")
            return _refused(refusal, request, call)
        async with self._slices.take(call.request_id):
            admitted = self._admit(request, body, call)
        if isinstance(admitted, Refusal):
            return _refused(admitted, request, call)
        account, wanted = admitted
        fault, delay = self._instructions.next_fault(call.tasks), self._instructions.next_delay()
        reads = isinstance(wanted, ScanRequest) and not isinstance(fault, Refusal | HttpReply)
        granted = account.take_images(len(call.tasks) if reads else 0, _loop_time())
        try:
            reply = await self._serve(wanted, granted, fault, request, call)
            await asyncio.sleep(delay)
        finally:
            account.release_images(granted)
        return reply

    def _admit(
        self, request: web.Request, body: bytes, call: Call
    ) -> tuple[Account, ScanRequest | Refusal] | Refusal:
        """Return the gateway's refusal, if the request does not pass the gateway.

        If the request passes, return its account, and either the request or the service's refusal.
        """
        received = RawRequest(
            method=request.method,
            path=request.rel_url.raw_path,
            query_string=request.rel_url.raw_query_string,
            fields=tuple(request.headers.items()),
            body=body,
        )
        account = checks.authenticate(received, self._accounts, now=self._now())
        if isinstance(account, Refusal):
            return account
        # The body is decoded and recorded only after the check of the signature, because this costs
        # time and memory.
        call.account = account.uid
        wanted: ScanRequest | Refusal
        try:
            asked = wire.decode_request(body)
        except BadRequest as error:
            wanted = Refusal.of(400, str(error))
        else:
            call.tasks, call.biz_type = asked.tasks, asked.biz_type
            wanted = account.check_state() or asked
        return checks.check_rate(account, moment=_loop_time()) or (account, wanted)

    async def _serve(
        self,
        wanted: ScanRequest | Refusal,
        granted: int,
        fault: RequestFault | None,
        request: web.Request,
        call: Call,
    ) -> HttpReply:
        """Return the reply to a request that passed the gateway.

        The first `granted` images are read. The other images are above the account's quota and are
        answered with 588.
        """
        if fault is ConnectionFault.HANG:
            # Wait until the client leaves or the emulator stops, because both cancel this task.
            await asyncio.Event().wait()
        if isinstance(fault, Refusal):
            return _refused(fault, request, call)
        if isinstance(fault, HttpReply):
            return fault
        if isinstance(wanted, Refusal):
            return attrs.evolve(_refused(wanted, request, call), broken=fault)
        until = None if self._deadline is None else call.arrived + self._deadline - ANSWERING
        answers = await self._service.answer(
            wanted.tasks[:granted],
            request_id=call.request_id,
            frames_at=f"{request.scheme}://{_host(request)}{FRAMES}",
            until=until,
        )
        async with self._slices.take(call.request_id):
            call.charged = count_charged(answers)
            over = tuple((task, image_error(588)) for task in wanted.tasks[granted:])
            call.answers = self._instructions.arrange(answers + over)
        xml = _wants_xml(request)
        parts = await write_reply(call.answers, self._slices, request_id=call.request_id, xml=xml)
        return HttpReply(wire.OK, parts, XML if xml else JSON, wire.OK, broken=fault)

    def _now(self) -> float:
        """Return the seconds since the epoch, by the emulator's clock with its skew."""
        return time.time() + self._instructions.skew

    def _headers(self, reply: HttpReply) -> dict[str, str]:
        headers = {"Content-Type": reply.content_type}
        if reply.code is not None:
            headers["Date"] = signing.http_date(self._now())
        if reply.retry_after is not None:
            headers["x-acs-retry-after"] = f"{1000 * reply.retry_after:.0f}"
        return headers


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


def _wants_xml(request: web.Request) -> bool:
    """Return True if the client has an `Accept` header without JSON."""
    accept = request.headers.get("Accept", "").lower().strip()
    return bool(accept) and "json" not in accept


def _host(request: web.Request) -> str:
    """Return the header `Host`; bytes that are not UTF-8 are replaced, as JSON has no such text."""
    return request.headers.get("Host", "").encode(errors="replace").decode()


def _refused(refusal: Refusal, request: web.Request, call: Call) -> HttpReply:
    body = wire.encode_refusal(
        refusal.code, refusal.message, request_id=call.request_id, host=_host(request)
    )
    xml = _wants_xml(request)
    return HttpReply(
        refusal.status,
        tuple(xml_parts(body)) if xml else (body,),
        XML if xml else JSON,
        refusal.code,
        retry_after=refusal.retry_after,
    )


async def _send(
    reply: HttpReply, headers: dict[str, str], request: web.Request
) -> web.StreamResponse:
    """Return the response for the reply, or produce the fault of the connection."""
    match reply.broken:
        case None:
            return response(reply.status, reply.parts, headers)
        case ConnectionFault.DROP:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        case ConnectionFault.CUT:
            half = response(reply.status, reply.half, headers, length=reply.length)
            half.force_close()
            return half
        case _:  # STALL; a request with HANG never gets here
            begun = web.StreamResponse(status=reply.status, headers=headers)
            begun.content_length = reply.length
            await begun.prepare(request)
            for part in reply.half:
                await begun.write(part)
            # Wait until the client leaves or the emulator stops, because both cancel this task.
            await asyncio.Event().wait()
            return begun
