"""Invalid tasks, each refused with the name of its field in the request; no engine needed."""

from __future__ import annotations

import msgspec
import pytest

from aliocr.emulator import Emulator
from tests.support.asking import IMAGE, send, sign

REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "another scheme": ({"url": "ftp://example.com/a.png"}, "[task.url] must start with http"),
    "2,049 characters": ({"url": f"http://a.example/{'a' * 2032}"}, "[task.url] has 2049 char"),
    "a space": ({"url": "http://a.example/a b.png"}, "[task.url] holds a space"),
    "a blank at the end": ({"url": f"{IMAGE}\n"}, "[task.url] holds a space"),
    "no host": ({"url": "http:///a.png?key=secret"}, "[task.url] names no host"),
    "a data id of 257": (
        {"url": IMAGE, "dataId": "d" * 257},
        "[task.dataId] is too long(>256)",  # the service's own words
    ),
    "an empty data id": ({"url": IMAGE, "dataId": ""}, "[task.dataId] must be"),
    "no interval": ({"url": IMAGE, "interval": 0, "maxFrames": 1}, "[task.interval] must be"),
    "no frames": ({"url": IMAGE, "interval": 1, "maxFrames": 0}, "[task.maxFrames] must be"),
    "one of a pair": ({"url": IMAGE, "interval": 2}, "[task.interval] and [task.maxFrames] must"),
}


async def answered(task: dict[str, object]) -> tuple[int, str]:
    """Return code and message for a task; check that a good task beside it is read."""
    async with Emulator() as emulator:
        body = msgspec.json.encode({"scenes": ["ocr"], "tasks": [task, {"url": IMAGE}]})
        refused, good = (await send(emulator, body, sign(emulator, body))).data
    assert good["code"] == 200
    assert "secret" not in refused["msg"]
    return refused["code"], refused["msg"]


@pytest.mark.parametrize("what", REFUSED)
async def test_a_parameter_against_the_documents_is_400(what: str) -> None:
    """Source: request parameters "url", "dataId", "interval", "maxFrames"."""
    task, words = REFUSED[what]
    code, message = await answered(task)
    assert code == 400
    assert message.startswith(f"BAD_REQUEST: {words}")


@pytest.mark.parametrize("url", ["oss://bucket/a.png", "OSS://bucket/upload/images/b.jpg"])
async def test_an_oss_path_is_403(url: str) -> None:
    """Not authorised, as documented for a private path: the emulator has no OSS."""
    code, message = await answered({"url": url})
    assert code == 403
    assert message.startswith("FORBIDDEN: [task.url] the OSS path is not authorised")
