"""The tasks that are kept, and the clock by which they grow old."""

from __future__ import annotations

import asyncio

import pytest

from aliocr.emulator.asynchronous import tasks as module
from aliocr.emulator.asynchronous.clock import Clock
from aliocr.emulator.asynchronous.tasks import Tasks
from aliocr.protocol.wire import Task

IMAGE = Task(url="https://example.com/a.png")


def test_the_oldest_are_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """So a client that submits for ever does not fill the memory."""
    monkeypatch.setattr(module, "MAX_KEPT", 2)
    tasks = Tasks()
    ids = [tasks.submit(IMAGE, "1").id for _ in range(3)]
    assert [tasks.find(task_id, "1") is None for task_id in ids] == [True, False, False]
    assert tasks.kept == 2


async def test_a_clock_that_is_set_forward_wakes_those_who_wait() -> None:
    """At once and not before; a moment in the past is not waited for."""
    clock = Clock()
    await clock.wait_until(clock.now())
    waiting = asyncio.create_task(clock.wait_until(clock.now() + 100))
    await asyncio.sleep(0)
    clock.advance(50)
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()
    clock.advance(50)
    await waiting
