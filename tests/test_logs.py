"""The log: what an operator should know, once; a record for each request; never a secret."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
from collections.abc import Callable
from contextlib import suppress

import pytest

import aliocr
from aliocr import Session
from aliocr.emulator import Emulator
from tests.support.canned import KEY, Asked, Canned, element, http, images, reply

pytestmark = pytest.mark.usefixtures("virtual_clock")

Sessions = Callable[..., Session]
Breakdown = Callable[[Emulator], object]


@pytest.fixture(autouse=True)
def everything(caplog: pytest.LogCaptureFixture) -> None:
    """Each record is kept, as of a program whose log is at DEBUG."""
    caplog.set_level(logging.DEBUG)


def _ours(caplog: pytest.LogCaptureFixture, level: int) -> list[logging.LogRecord]:
    return [
        each
        for each in caplog.records
        if each.name.startswith("aliocr.")
        and not each.name.startswith("aliocr.emulator")
        and each.levelno == level
    ]


def _events(caplog: pytest.LogCaptureFixture, level: int = logging.INFO) -> list[str]:
    return [vars(each)["event"] for each in _ours(caplog, level)]


def _urls(count: int) -> list[str]:
    return [f"https://example.com/{number}.png" for number in range(count)]


@pytest.mark.parametrize(
    ("once", "told"),
    [
        (lambda emulator: None, []),  # noqa: ARG005
        (lambda emulator: emulator.throttle(), ["throttled"]),
        (lambda emulator: emulator.refuse(503), ["retry"]),
        (lambda emulator: emulator.drop_connection(), ["retry"]),
        (lambda emulator: emulator.refuse("InvalidSecurityToken.Expired"), ["key"]),
        (lambda emulator: emulator.fail("*", 592, times=1), ["retry"]),
        (lambda emulator: emulator.fail("*", 588, times=1), ["throttled"]),
    ],
)
async def test_three_requests_of_which_one_fails_once(
    session: Sessions,
    emulator: Emulator,
    caplog: pytest.LogCaptureFixture,
    once: Breakdown,
    told: list[str],
) -> None:
    """A record for each request, and at INFO what an operator should know, once."""
    async with session() as ocr:
        for url in _urls(3):
            if url.endswith("1.png"):
                once(emulator)
            assert (await ocr.scan(url)).ok
    assert sorted(_events(caplog)) == sorted(told)
    requests = [
        vars(each) for each in _ours(caplog, logging.DEBUG) if vars(each).get("event") == "request"
    ]
    assert len(requests) == len(emulator.calls)
    assert 3 <= len(_ours(caplog, logging.DEBUG)) <= 40
    answered = [call.request_id for call in emulator.calls if call.status is not None]
    assert {each["request_id"] for each in requests} - {None} <= set(answered)
    assert sum(each["read"] for each in requests) == 3
    assert sum(sum(each["failed"].values()) for each in requests) == len(requests) - 3
    assert all(each["seconds"] >= 0 <= each["waited"] for each in requests)


async def test_what_lasts_is_told_once_a_minute(
    session: Sessions, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """A hundred refusals are no hundred lines."""
    emulator.throttle(times=None)
    async with session(throttle_timeout=150) as ocr:
        with pytest.raises(aliocr.ThrottledError):
            await ocr.scan(_urls(1)[0])
    assert len(emulator.calls) > 10
    assert _events(caplog) == ["throttled"] * 3


async def test_an_outage_is_told_at_its_begin_and_its_end(
    session: Sessions, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """With what failed last, and how long it took."""
    emulator.respond(502, "<html>Bad Gateway</html>", "text/html", times=None)
    async with session() as ocr:
        job = asyncio.create_task(ocr.scan_many(_urls(300)))
        await asyncio.sleep(6)
        emulator.reset()
        assert all(outcome.ok for outcome in await job)
    begin, end = (
        each for each in _ours(caplog, logging.INFO) if vars(each)["event"].startswith("outage")
    )
    assert "HTTP 502" in vars(begin)["reason"]
    assert 5 < vars(end)["seconds"] < 8


async def test_a_clock_that_was_set_is_told_once(
    session: Sessions,
    emulator: Emulator,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With how wrong this machine's is; requests that were on the way tell nothing more."""
    now = aliocr.protocol.transport.time.time  # type: ignore[attr-defined]
    slow = type("Slow", (), {"time": staticmethod(lambda: now() - 3600)})
    monkeypatch.setattr("aliocr.protocol.transport.time", slow)
    async with session() as ocr:
        await asyncio.gather(*(ocr.scan(url) for url in _urls(3)))
    (record,) = (each for each in _ours(caplog, logging.INFO) if vars(each)["event"] == "clock")
    assert record.name == "aliocr.protocol"
    offset = vars(record)["offset"]
    assert offset == pytest.approx(3600, abs=2)
    assert f"wrong by {-offset:.0f} s" in record.getMessage()


async def test_a_learnt_quota_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """With the number, when the first refusal has shown that there is one."""
    async with (
        Emulator(images_per_second=10, images_in_flight=50) as emulator,
        Session(credentials=emulator.credentials, endpoint=emulator.url) as ocr,
    ):
        assert all(outcome.ok for outcome in await ocr.scan_many(_urls(200)))
    (record,) = (each for each in _ours(caplog, logging.INFO) if vars(each)["event"] == "quota")
    assert 1 <= vars(record)["rate"] <= 100


SECRETS = [KEY.access_key_secret, str(KEY.security_token), "Signature=", "-only"]


@pytest.mark.parametrize("status", [200, 400, 502])
async def test_no_record_holds_a_secret(status: int, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever a reply quotes: not in a message, and in no field, of whichever logger."""
    signatures = []

    def answer(asked: Asked) -> bytes:
        signatures.append(asked.headers["authorization"].rpartition(":")[2])
        quoted = f"{asked.headers} {[task.url for task in asked.tasks]} {KEY.access_key_secret}"
        if status == 200 and asked.number % 2:
            return http(quoted.encode())
        if status == 200:
            told = [
                element(str(task.data_id), task.url, code=code, msg=quoted)
                for task, code in zip(asked.tasks, [592, 588, 400] * 10, strict=False)
            ]
            return http(reply(*told, requestId=f"R {KEY.security_token}"))
        words = {"Code": "ServiceUnavailable", "Message": quoted, "RequestId": quoted}
        return http(json.dumps(words).encode() if asked.number % 2 else quoted.encode(), status)

    async with Canned(answer) as service, service.session(throttle_timeout=5, patience=5) as ocr:
        with suppress(aliocr.OCRError):
            await ocr.scan_many(images(12))
    assert _ours(caplog, logging.DEBUG)
    for record in caplog.records:
        shown = f"{record.getMessage()} {vars(record)}"
        for secret in [*SECRETS, *signatures]:
            assert secret not in shown
        pickle.dumps(vars(record) | {"exc_info": None})
