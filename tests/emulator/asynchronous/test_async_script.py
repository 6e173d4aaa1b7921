"""Instructions about asynchronous scanning: bad ones are refused, before anything changes."""

from __future__ import annotations

import re
from collections.abc import Callable

import aiohttp
import pytest

from aliocr.emulator import Emulator
from tests.support.asking import IMAGE
from tests.support.later import finished, results, submitted

WRONG: list[tuple[Callable[[Emulator], None], str]] = [
    (lambda emulator: emulator.pass_time(-1), "seconds must be 0 or more, not -1"),
    (lambda emulator: emulator.pass_time(float("nan")), "seconds must be 0 or more, not nan"),
    (lambda emulator: emulator.delay_result("*", -1), "seconds must be 0 or more"),
    (lambda emulator: emulator.delay_result("*", 1, times=0), "times must be 1 or more"),
    (lambda emulator: emulator.fail_submit("*", 200), "200 is not the code of a failure"),
    (lambda emulator: emulator.keep_results(-1), "seconds must be 0 or more"),
    (lambda emulator: emulator.vary_results(message="\ud800"), "message must be a string"),
    (lambda emulator: emulator.set_callbacks(delay=-1), "delay must be 0 or more"),
    (lambda emulator: emulator.set_callbacks(gap=-1), "gap must be 0 or more"),
    (lambda emulator: emulator.set_callbacks(pushes=0), "pushes must be 1 or more"),
]


@pytest.mark.parametrize(("tell", "words"), WRONG)
def test_a_bad_instruction_is_refused(tell: Callable[[Emulator], None], words: str) -> None:
    """The message has the name and the value."""
    with pytest.raises(ValueError, match=re.escape(words)):
        tell(Emulator())


async def test_the_control_api_has_the_same_verbs() -> None:
    """For tests in any language; the status counts what was submitted."""
    async with Emulator() as emulator, aiohttp.ClientSession(emulator.url) as session:
        script = "/_emulator/script/"
        told = {"url": IMAGE, "seconds": 60}
        assert (await session.post(f"{script}delay_result", json=told)).status == 204
        ids = await submitted(emulator)
        assert (await results(emulator, ids)).codes == [280]
        assert (await session.post(f"{script}pass_time", json={"seconds": 60})).status == 204
        await finished(emulator, ids)
        status = await (await session.get("/_emulator/status")).json()
        assert (status["submitted"], status["charged"]) == (1, 1)
        calls = await (await session.get("/_emulator/calls")).json()
        assert calls["calls"][0]["task_ids"] == ids


def test_time_passes_for_an_emulator_in_a_thread() -> None:
    """Any thread may call it, also before anything was submitted."""
    with Emulator() as emulator:
        emulator.pass_time(60)
