"""Pushes answers to the address of a callback, until it confirms them.

A push is a form with the fields `checksum` and `content`; only HTTP 200 confirms it. Redirects are
not followed. The address of the connection is checked as for images, so that nobody can make the
emulator call services of its own network.

Source: "Asynchronous detection", callback. Gaps and timeout are not published.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Self
from urllib.parse import urlencode

import aiohttp

from aliocr.emulator.asynchronous.habits import REPEATS
from aliocr.emulator.asynchronous.tasks import SubmittedTask, Tasks
from aliocr.emulator.reading.addresses import open_socket
from aliocr.emulator.reading.raw_url import parse_raw_url
from aliocr.protocol.async_wire import Callback
from aliocr.protocol.callback_digest import checksum
from aliocr.redaction import without_query

TIMEOUT = 10.0
"""Maximum time of one push, in seconds. We chose this value."""

CONNECTIONS = 100
"""Maximum number of pushes at the same time. Others wait."""

FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}

_log = logging.getLogger("aliocr.emulator")


class Pusher:
    """Pushes answers, inside its `async with` block; `private_addresses` is as in `Emulator`.

    Attributes:
        waiting: The number of answers that are not confirmed and not given up.
    """

    def __init__(self, tasks: Tasks, *, private_addresses: bool) -> None:
        self._tasks = tasks
        self._private_addresses = private_addresses
        self.waiting = 0
        self._places = asyncio.Semaphore(CONNECTIONS)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        socket_factory = partial(open_socket, private_addresses=self._private_addresses)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, force_close=True, socket_factory=socket_factory
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def push(self, task: SubmittedTask, callback: Callback) -> None:
        """Push the answer of a task until it is confirmed, at most 16 times more."""
        self.waiting += 1
        try:
            await self._push(task, callback)
        finally:
            self.waiting -= 1

    async def _push(self, task: SubmittedTask, callback: Callback) -> None:
        habits, clock = self._tasks.habits, self._tasks.clock
        content = task.encode(habits).decode()
        form = {
            "checksum": checksum(task.uid, callback.seed, content, callback.crypt_type),
            "content": content,
        }
        body = urlencode(form).encode()
        moment, confirmed = clock.now() + habits.push_delay, 0
        for number in range(1 + REPEATS):
            await clock.wait_until(moment)
            if task.forgotten:
                return
            heard = await self._send(callback.callback, body)
            confirmed += heard == "HTTP 200"
            if confirmed >= habits.pushes:
                return
            where = without_query(callback.callback)
            _log.info("push %s of a result to %s: %s", number + 1, where, heard)
            moment = clock.now() + habits.push_gap

    async def _send(self, url: str, body: bytes) -> str:
        """Send one push; return what came of it."""
        if self._session is None:
            raise RuntimeError("a Pusher works inside its async with block")
        post = partial(self._session.post, data=body, headers=FORM, allow_redirects=False)
        try:
            async with self._places, post(parse_raw_url(url)) as response:
                return f"HTTP {response.status}"
        except (aiohttp.ClientError, OSError, ValueError) as error:  # ValueError: no such host name
            return type(error).__name__
