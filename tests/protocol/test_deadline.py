"""A loop that is blocked past a deadline reads the answer in its socket, and pays once."""

import asyncio
import json
import math
import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import attrs
import pytest

from aliocr import Credentials, Scan, ScanTimeoutError, Session
from aliocr.protocol.deadline import Deadline

TIMEOUT = 5.0
"""Seconds for one request, or one scan. No test lasts as long: the clock of the loop is put forward
by more than that, as if the loop had been blocked."""

Pieces = Callable[[bytes], Sequence[bytes]]


def _whole(answer: bytes) -> Sequence[bytes]:
    return [answer]


def _headers_first(answer: bytes) -> Sequence[bytes]:
    head, gap, body = answer.partition(b"\r\n\r\n")
    return [head + gap, body]


def _byte_by_byte(answer: bytes) -> Sequence[bytes]:
    return [answer[place : place + 1] for place in range(len(answer))]


@attrs.define
class _Server:
    """A server in a thread of its own, which a blocked event loop does not stop.

    Args:
        pieces: Cuts an answer into what is written by itself.
        text: The text of each image.
        silent: True if it reads requests but never answers.
        requests: The bodies that have come.
        answered: Set whenever an answer was handed over to the system.
    """

    pieces: Pieces = _whole
    text: str = "Total 64.50"
    silent: bool = False
    requests: list[bytes] = attrs.field(factory=list)
    answered: threading.Event = attrs.field(factory=threading.Event)

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Serve one connection after the other; gives the endpoint."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=self._accept, args=[listener])
            thread.start()
            host, port = listener.getsockname()
            try:
                yield f"http://{host}:{port}"
            finally:
                listener.shutdown(socket.SHUT_RDWR)
                thread.join()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        heard = b""
        while data := connection.recv(1 << 20):
            heard += data
            head, gap, body = heard.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            if not gap or length is None or len(body) < int(length[1]):
                continue
            heard = b""
            self.requests.append(body)
            if not self.silent:
                for piece in self.pieces(self._answer(body)):
                    connection.sendall(piece)
            self.answered.set()

    def _answer(self, body: bytes) -> bytes:
        data = [
            {
                "code": 200,
                "dataId": task["dataId"],
                "results": [{"scene": "ocr", "label": "ocr", "ocrData": [self.text]}],
            }
            for task in json.loads(body)["tasks"]
        ]
        reply = json.dumps({"code": 200, "requestId": "r", "data": data}).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(reply), reply)

    def block_loop(self) -> None:
        """Block the event loop until the answer lies in its socket and the deadline is over."""
        assert self.answered.wait(10)
        self.answered.clear()
        _put_clock_forward()


def _put_clock_forward() -> None:
    """Let the running loop find that more time than any deadline has passed."""
    loop = asyncio.get_running_loop()
    now = loop.time
    loop.time = lambda: now() + 2 * TIMEOUT  # type: ignore[method-assign]


def _session(endpoint: str, limit: str, **options: int) -> Session:
    timeout = TIMEOUT if limit == "request" else 7 * TIMEOUT
    key = Credentials("id", "secret")
    return Session(endpoint=endpoint, credentials=key, timeout=timeout, **options)  # type: ignore[arg-type]


def _scan(ocr: Session, limit: str) -> asyncio.Task[Scan]:
    timeout = TIMEOUT if limit == "scan" else None
    return asyncio.create_task(ocr.scan("https://example.com/a.png", timeout=timeout))


async def _until_sent(server: _Server) -> None:
    """Let the loop work until a request has come."""
    before = len(server.requests)
    while len(server.requests) == before:  # noqa: ASYNC110 - another thread counts
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (_whole, "Total 64.50"),
        (_headers_first, "Total 64.50"),
        (_byte_by_byte, "Total 64.50"),
        (_whole, "long " * 200_000),
    ],
    ids=["whole", "headers first", "byte by byte", "1 MB"],
)
@pytest.mark.parametrize("limit", ["request", "scan"])
@pytest.mark.parametrize("kept", [False, True], ids=["new connection", "kept connection"])
async def test_an_answer_that_has_come_beats_the_deadline(
    pieces: Pieces, text: str, limit: str, kept: bool
) -> None:
    """Of a request and of a scan: the scan is the outcome, and one request was sent."""
    server = _Server(pieces, text)
    with server.serve() as endpoint:
        async with _session(endpoint, limit) as ocr:
            if kept:
                await ocr.scan("https://example.com/first.png")
                assert server.answered.wait(10)
                server.answered.clear()
            scan = _scan(ocr, limit)
            await _until_sent(server)
            server.block_loop()
            assert (await scan).text == text
            assert ocr.stats.requests == len(server.requests) == 1 + kept
            assert ocr.stats.outcomes == {"Scan": 1 + kept}
            assert ocr.stats.retried == ocr.stats.given_up == 0


async def test_all_that_wait_for_answers_get_them() -> None:
    """A hundred scans of one request, and requests one after the other in the sockets."""
    server = _Server(_headers_first)
    with server.serve() as endpoint:
        async with _session(endpoint, "scan") as ocr:
            scans = [
                asyncio.create_task(ocr.scan(f"https://example.com/{number}.png", timeout=TIMEOUT))
                for number in range(100)
            ]
            await _until_sent(server)
            server.block_loop()
            assert all(isinstance(scan, Scan) for scan in await asyncio.gather(*scans))
            assert ocr.stats.requests == len(server.requests) == 1


@pytest.mark.parametrize("limit", ["request", "scan"])
async def test_without_an_answer_a_deadline_is_one(limit: str) -> None:
    """The server took the request, and may have charged it."""
    server = _Server(silent=True)
    with server.serve() as endpoint:
        async with _session(endpoint, limit, max_retries=0) as ocr:
            scan = _scan(ocr, limit)
            await _until_sent(server)
            server.block_loop()
            with pytest.raises(ScanTimeoutError) as caught:
                await scan
    assert caught.value.maybe_charged
    assert len(server.requests) == 1


async def test_a_request_that_never_left_gets_no_extra_time() -> None:
    """Blocked before its connection was made, it is not sent now, and costs nothing."""
    server = _Server()
    with server.serve() as endpoint:
        async with _session(endpoint, "request", max_retries=0) as ocr:
            scan = _scan(ocr, "request")
            while not ocr.stats.requests:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            _put_clock_forward()
            with pytest.raises(ScanTimeoutError) as caught:
                await scan
    assert not caught.value.maybe_charged
    assert server.requests == []


async def _block_that_ends_after(waits: int, rounds: list[float]) -> int:
    """Run a block of so many rounds under a deadline of no time; return the rounds it had."""
    asked: list[float] = []

    def answer() -> float:
        asked.append(rounds[min(len(asked), len(rounds) - 1)])
        return asked[-1]

    try:
        async with Deadline(asyncio.get_running_loop().time(), answer):
            for _ in range(waits):
                await asyncio.sleep(0)
    except TimeoutError:
        return -len(asked)
    return len(asked)


@pytest.mark.parametrize(
    ("rounds", "ends"),
    [([0.0], False), ([5.0], False), ([40.0], True), ([math.inf], True), ([math.inf, 0.0], False)],
)
async def test_a_deadline_goes_on_for_as_many_rounds_as_it_is_told(
    rounds: list[float], ends: bool
) -> None:
    """It asks anew in each round, and cancellation from outside is no time-out."""
    assert (await _block_that_ends_after(30, rounds) > 0) is ends
    task = asyncio.create_task(_block_that_ends_after(10_000, [math.inf]))
    await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
