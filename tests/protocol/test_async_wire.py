"""Requests to scan later and for results, and the elements of their replies."""

from typing import Any

import msgspec
import pytest

from aliocr import Image, Scan
from aliocr.errors import APIError, api_error
from aliocr.protocol import async_wire
from aliocr.protocol.async_wire import Callback
from aliocr.protocol.replies import decode_reply
from aliocr.protocol.wire import BadRequest, Task, encode_envelope

IMAGE = Image("https://example.com/a.png", "d1")
ID = "img1hdP5Wn0QC@7wW0n$VX0R@-1p3mnZ"
CALLBACK = Callback("https://example.com/cb?x=1", "aabbcc_123", "SM3")


@pytest.mark.parametrize("callback", [None, CALLBACK])
def test_a_request_is_read_as_it_was_written(callback: Callback | None) -> None:
    """Images, policy and callback; `SHA256` is the default and is not sent."""
    body = async_wire.encode_submit({"d1": IMAGE}, "receipts", callback)
    found = async_wire.decode_submit(body)
    assert found.scan.tasks == (Task(url=IMAGE.url, data_id="d1"),)
    assert found.scan.biz_type == "receipts"
    assert (found.callback, found.offline) == (callback, False)
    sent = msgspec.json.decode(body)
    assert sent.get("cryptType") == (callback and "SM3")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"callback": "ftp://example.com/", "seed": "a"}, "[callback] must start with http://"),
        ({"callback": "https:///cb", "seed": "a"}, "[callback] names no host"),
        ({"callback": "https://example.com/cb"}, "[seed] must be 1 to 64"),
        ({"callback": "https://example.com/cb", "seed": "a" * 65}, "[seed] must be 1 to 64"),
        ({"callback": "https://example.com/cb", "seed": "a-b"}, "[seed] must be 1 to 64"),
        ({"callback": "https://example.com/cb", "seed": "a\n"}, "[seed] must be 1 to 64"),
        ({"callback": "https://example.com/cb", "seed": "a", "cryptType": "MD5"}, "SHA256 or SM3"),
        ({"callback": 5, "seed": "a"}, "malformed body: Expected `str | null`, got `int`"),
        ({"offline": "yes"}, "malformed body: Expected `bool | null`, got `str`"),
        ({"tasks": []}, "[tasks] must hold 1 to 100"),
    ],
)
def test_a_request_that_is_not_as_documented_is_refused(fields: dict[str, Any], words: str) -> None:
    """The message names the field."""
    body = {"scenes": ["ocr"], "tasks": [{"url": IMAGE.url}], **fields}
    with pytest.raises(BadRequest) as raised:
        async_wire.decode_submit(msgspec.json.encode(body))
    assert words in str(raised.value)


def test_without_an_address_nothing_is_pushed() -> None:
    """An empty one is none; its seed does not matter."""
    body = b'{"scenes":["ocr"],"tasks":[{"url":"https://e.com/a"}],"callback":"","seed":"-"}'
    assert async_wire.decode_submit(body).callback is None


def test_results_are_asked_for_by_a_bare_array() -> None:
    """At most 100 ids, which may hold any character."""
    body = async_wire.encode_results_request([ID, "b"])
    assert body == f'["{ID}","b"]'.encode()
    assert async_wire.decode_results_request(body) == (ID, "b")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{}", "malformed body: Expected `array`, got `object`"),
        (b"[1]", "malformed body: Expected `str`, got `int`"),
        (b"[", "malformed body"),
        (b"[]", "must hold 1 to 100 task ids, not 0"),
        (msgspec.json.encode(["a"] * 101), "must hold 1 to 100 task ids, not 101"),
    ],
)
def test_another_request_for_results_is_refused(body: bytes, words: str) -> None:
    """The message says what is wrong."""
    with pytest.raises(BadRequest) as raised:
        async_wire.decode_results_request(body)
    assert words in str(raised.value)


@pytest.mark.parametrize("answer", [Scan(IMAGE, "hello"), api_error(592, "DOWNLOAD_TIMEOUT")])
@pytest.mark.parametrize("with_url", [True, False])
def test_a_client_reads_the_elements(answer: Scan | APIError, *, with_url: bool) -> None:
    """With their id, also where `msg` is Chinese and the URL is left out."""
    task = Task(url=IMAGE.url, data_id="d1")
    item = async_wire.encode_item(task, answer, ID, message="调用成功。", with_url=with_url)
    envelope = encode_envelope("R")
    ((_, outcome),) = next(
        part
        for part in decode_reply(200, envelope[:-2] + item + envelope[-2:], {"d1": IMAGE})
        if part
    )
    fields = msgspec.json.decode(item)
    assert fields["taskId"] == ID
    assert ("url" in fields) is with_url
    if isinstance(answer, Scan):
        assert isinstance(outcome, Scan)
        assert (outcome.text, outcome.task_id, fields["msg"]) == ("hello", ID, "调用成功。")
    else:
        assert isinstance(outcome, APIError)
        assert (outcome.code, fields["msg"]) == (592, "DOWNLOAD_TIMEOUT")


def test_what_was_submitted_has_an_id_and_no_results() -> None:
    """And what is not known has its id alone."""
    item = async_wire.encode_item(Task(url=IMAGE.url), None, ID)
    fields = msgspec.json.decode(item)
    assert fields == {"code": 200, "msg": "OK", "taskId": ID, "url": IMAGE.url}
    unknown = async_wire.encode_item(Task(url=""), api_error(594, "EXPIRED"), ID)
    assert msgspec.json.decode(unknown) == {"code": 594, "msg": "EXPIRED", "taskId": ID}
