"""The emulator over a socket: replies, limits, start and stop."""

from __future__ import annotations

import asyncio
import gzip
import re
import socket
import subprocess
import sys
import time
import uuid
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import msgspec
import pytest

from aliocr.credentials import Credentials
from aliocr.emulator import NEW_ACCOUNT, Call, Emulator
from aliocr.emulator.calls import busiest_second
from tests.support.asking import IMAGE, PATIENCE, ask, body_of, gone, port_of, send, sign

# --- requests and replies -------------------------------------------------------------------------


async def test_a_good_request_gets_the_documented_reply() -> None:
    """Every field of the documents' sample, ids of the right form, and a `Date`."""
    async with Emulator() as emulator:
        heard = await ask(emulator, IMAGE)
    assert heard.status == 200
    assert heard.headers["Content-Type"] == "application/json;charset=utf-8"
    assert abs(parsedate_to_datetime(heard.headers["Date"]).timestamp() - time.time()) < 5
    envelope = heard.json
    assert (envelope["code"], envelope["msg"]) == (200, "OK")
    assert envelope["requestId"] == str(uuid.UUID(envelope["requestId"])).upper()
    (answer,) = envelope["data"]
    assert re.fullmatch(r"img\w{22}-1s\w{4}", answer.pop("taskId"))
    (result,) = answer.pop("results")
    assert answer == {"code": 200, "msg": "OK", "dataId": "d0", "url": IMAGE, "extras": {}}
    assert result.pop("ocrLocations")
    assert result == {
        "scene": "ocr",
        "label": "ocr",
        "suggestion": "review",
        "rate": 99.9,
        "ocrData": [f"text of {IMAGE}"],
    }


async def test_the_policy_a_request_names_is_recorded() -> None:
    """A test can read the `bizType` of a request; None if it has none."""
    async with Emulator() as emulator:
        body = body_of(IMAGE)
        named = body.removesuffix(b"}") + b',"bizType":"receipts"}'
        assert (await send(emulator, named, sign(emulator, named))).codes == [200]
        assert (await send(emulator, body, sign(emulator, body))).codes == [200]
        assert [call.biz_type for call in emulator.calls] == ["receipts", None]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "malformed"),
        (body_of(IMAGE, IMAGE, dataId="same"), "unique"),
        (b"[" * 100_000, "malformed"),
    ],
)
async def test_a_body_that_is_not_as_documented_is_refused_in_the_envelope(
    body: bytes, words: str
) -> None:
    """HTTP 200, code 400, and the name of the wrong field."""
    async with Emulator() as emulator:
        heard = await send(emulator, body, sign(emulator, body))
        assert heard.status == 200
        assert heard.json["code"] == 400
        assert words in heard.json["msg"]
        assert "data" not in heard.json
        assert (emulator.calls[0].status, emulator.calls[0].code) == (200, 400)


@pytest.mark.parametrize(
    "task",
    [
        {"url": "ftp://example.com/a.png"},
        {"url": ""},
        {"url": "https://example.com/" + "a" * 2029},
        {"url": IMAGE, "dataId": "d" * 257},
        {"url": IMAGE, "interval": 2},
        {"url": IMAGE, "interval": 0, "maxFrames": 0},
    ],
)
async def test_an_image_that_is_not_as_documented_harms_no_other(task: dict[str, object]) -> None:
    """Its code is 400, its neighbour's 200."""
    async with Emulator() as emulator:
        body = msgspec.json.encode({"scenes": ["ocr"], "tasks": [task, {"url": IMAGE}]})
        assert (await send(emulator, body, sign(emulator, body))).codes == [400, 200]


async def test_a_data_id_that_is_too_long_is_refused_in_the_services_words() -> None:
    """256 characters are accepted; one more is 400 for the image, with the reported message."""
    async with Emulator() as emulator:
        tasks = [{"dataId": "a" * 256, "url": IMAGE}, {"dataId": "b" * 257, "url": IMAGE}]
        body = msgspec.json.encode({"scenes": ["ocr"], "tasks": tasks})
        heard = await send(emulator, body, sign(emulator, body))
    assert heard.codes == [200, 400]
    assert heard.data[0]["dataId"] == "a" * 256
    assert heard.data[1]["msg"].endswith("[task.dataId] is too long(>256)")


async def test_a_hundred_images_are_answered_in_order() -> None:
    """The most images of one request, with the longest URLs."""
    async with Emulator() as emulator:
        urls = [f"https://example.com/{number:>02028}" for number in range(100)]
        heard = await ask(emulator, *urls)
    assert [answer["url"] for answer in heard.data] == urls


async def test_the_gateway_refuses_in_its_own_shape() -> None:
    """HTTP 4xx, capitalised fields, and the request's host."""
    async with Emulator() as emulator:
        body = body_of(IMAGE)
        heard = await send(emulator, body, sign(emulator, body), path="/green/image/other")
        host = emulator.url.removeprefix("http://")
        assert heard.status == 404
        assert (heard.json["Code"], heard.json["HostId"]) == ("InvalidApi.NotFound", host)
        assert heard.json["RequestId"] == emulator.calls[0].request_id
        heard = await send(emulator, body, sign(emulator, body), method="GET")
        assert (heard.status, heard.json["Code"]) == (400, "UnsupportedHTTPMethod")


async def test_a_wrong_secret_is_refused_and_recorded() -> None:
    """A guessed secret is refused, and the test finds the request in `calls`."""
    async with Emulator() as emulator, Emulator(credentials=emulator.credentials) as same:
        body = body_of(IMAGE)
        headers = sign(emulator, body)
        assert (await send(same, body, headers)).status == 200
        other = Emulator(credentials=Credentials(emulator.credentials.access_key_id, "wrong"))
        heard = await send(emulator, body, sign(other, body))
        assert (heard.status, heard.json["Code"]) == (400, "SignatureDoesNotMatch")
        (call,) = emulator.calls
        assert (call.status, call.code, call.account) == (400, "SignatureDoesNotMatch", None)
        assert not call.answers


async def test_an_unsigned_request_is_not_kept_whole() -> None:
    """Only requests signed by an account are kept whole, throttled ones included."""
    async with Emulator(requests_per_second=1) as emulator:
        await ask(emulator)
        await ask(emulator)
        body = body_of(*(f"{IMAGE}?{number:010000}" for number in range(100)))
        other = Emulator(credentials=Credentials(emulator.credentials.access_key_id, "wrong"))
        for headers in (sign(other, body), {"Accept": "*/*"}):
            assert (await send(emulator, body, headers)).status == 400
        _, throttled, *unsigned = emulator.calls
        assert (throttled.code, len(throttled.tasks)) == ("Throttling.User", 1)
        assert throttled.account == emulator.accounts[0].uid
        for call in unsigned:
            assert (call.account, call.tasks) == (None, ())
            assert len(repr(call)) < 1000


async def test_a_query_is_signed_as_it_was_before_it_was_encoded() -> None:
    """`clientInfo` is sent percent-encoded and signed raw."""
    async with Emulator() as emulator:
        body = body_of(IMAGE)
        headers = sign(emulator, body)
        for path in ("?clientInfo=%7B%7D", "?a+b=1%2B1&empty="):
            heard = await send(emulator, body, headers, path=f"/green/image/scan{path}")
            assert heard.json["Code"] == "SignatureDoesNotMatch"
            _, _, echoed = heard.json["Message"].rpartition("\n")
            assert echoed in ("/green/image/scan?clientInfo={}", "/green/image/scan?a b=1+1&empty")


async def test_a_request_sent_twice_is_refused_the_second_time() -> None:
    """A nonce is valid once."""
    async with Emulator() as emulator:
        body = body_of(IMAGE)
        headers = sign(emulator, body)
        assert (await send(emulator, body, headers)).status == 200
        assert (await send(emulator, body, headers)).json["Code"] == "SignatureNonceUsed"


async def test_the_eleventh_request_of_a_second_is_throttled() -> None:
    """Ten at once pass, the eleventh does not, and `calls` has all of them."""
    async with Emulator() as emulator, aiohttp.ClientSession() as session:
        heard = await asyncio.gather(*(ask(emulator, session=session) for _ in range(11)))
        assert sorted(each.status for each in heard) == [200] * 10 + [400]
        codes = [call.code for call in emulator.calls]
        assert sorted(map(str, codes)) == ["200"] * 10 + ["Throttling.User"]
        assert emulator.busiest_second() == 11


async def test_a_body_too_large_is_refused_in_the_gateways_shape() -> None:
    """Not in the web server's form, and not kept in memory."""
    async with Emulator() as emulator:
        body = bytes(2 * 1024 * 1024 + 1)
        heard = await send(emulator, body, sign(emulator, body))
        assert (heard.status, heard.json["Code"]) == (400, "InvalidParameter.Format")
        assert emulator.calls[0].status == 400


async def test_a_compressed_body_is_not_unpacked() -> None:
    """The checksum is of the bytes as received; the service finds no JSON in them."""
    async with Emulator() as emulator:
        body = gzip.compress(body_of(IMAGE))
        heard = await send(emulator, body, sign(emulator, body) | {"Content-Encoding": "gzip"})
        assert (heard.status, heard.json["code"]) == (200, 400)


def test_the_busiest_second_is_half_open() -> None:
    """Requests exactly a second apart are not counted in one second."""
    arrivals = [0.0, 0.5, 0.999, 1.0, 1.4, 2.5]
    calls = [Call(arrived, "", "POST", "/") for arrived in reversed(arrivals)]
    assert busiest_second(calls) == 4
    assert busiest_second(calls[:1]) == 1
    assert busiest_second([]) == 0


# --- start and stop -------------------------------------------------------------------------------


async def test_stopping_does_not_wait_for_a_client_that_does_not_read() -> None:
    """A client that sends requests and reads no replies does not delay the stop."""
    before = asyncio.all_tasks()
    async with Emulator(requests_per_second=None) as emulator:
        emulator.respond(200, bytes(50_000_000), "text/plain")
        body = body_of(IMAGE)
        lines = [f"{name}: {value}" for name, value in sign(emulator, body).items()]
        head = "\r\n".join(["POST /green/image/scan HTTP/1.1", "Host: e", *lines])
        head += f"\r\nContent-Length: {len(body)}\r\n\r\n"
        address = ("127.0.0.1", port_of(emulator))
        with socket.create_connection(address) as client:
            client.sendall(head.encode() + body)
            client.setblocking(False)  # noqa: FBT003
            assert await asyncio.get_running_loop().sock_recv(client, 1)  # the answer has begun
            async with asyncio.timeout(PATIENCE):
                await emulator.stop()
        await gone(before)


async def test_an_emulator_can_be_started_again() -> None:
    """At the same address, with the same account."""
    emulator = Emulator()
    await emulator.start()
    url = emulator.url
    with pytest.raises(RuntimeError, match="already started"):
        await emulator.start()
    await emulator.stop()
    await emulator.stop()
    async with emulator:
        assert emulator.url == url
        assert (await ask(emulator)).codes == [200]


async def test_a_taken_port_is_an_error_and_nothing_remains() -> None:
    """A second emulator at one port fails to start; the first goes on."""
    async with Emulator() as first:
        before = asyncio.all_tasks()
        second = Emulator(port=port_of(first))
        with pytest.raises(OSError, match="address"):
            await second.start()
        assert asyncio.all_tasks() == before
        assert (await ask(first)).codes == [200]


NAN, INFINITE = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("argument", "slips", "words"),
    [
        ("deadline", [0, -1, 0.2, NAN, INFINITE, "6", True], "must be above 0.2 s, or None"),
        ("download_timeout", [0, NAN, INFINITE, None, "3"], "must be above 0 s"),
        ("requests_per_second", [0, NAN, INFINITE, "10", True], "must be above 0, or None"),
        ("images_per_second", [0, NAN, "10"], "must be above 0, or None"),
        ("images_in_flight", [0, 1.5, NAN, "1", True], "must be 1 or more images, or None"),
        ("max_calls", [0, 1.5, "1"], "must be 1 or more, or None"),
        ("host", ["", None, b"127.0.0.1"], "must be an address, such as 0.0.0.0"),
        ("port", [-1, 65_536, 1.5, "80", None], "must be from 1 to 65535, or 0"),
        ("engine_factory", [5], "must make an engine"),
        ("credentials", ["key"], "give Credentials, or at least one AccessKey"),
    ],
)
def test_an_invalid_argument_is_refused(argument: str, slips: list[Any], words: str) -> None:
    """At once, with the value and the valid ones in the message."""
    for slip in slips:
        with pytest.raises(ValueError, match=words) as caught:
            Emulator(**{argument: slip})
        assert argument in str(caught.value) or argument == "credentials"


def test_the_scripted_emulator_needs_no_extra() -> None:
    """It works without Pillow, and says what to install only when an engine is asked for."""
    code = """if True:
        import asyncio, sys
        for name in ("PIL", "numpy", "rapidocr", "onnxruntime"):
            sys.modules[name] = None
        from aliocr.emulator import Emulator
        from aliocr.emulator.engine import RapidOCREngine

        async def main():
            async with Emulator():
                pass
            try:
                await Emulator(RapidOCREngine).start()
            except ImportError as error:
                print(error)

        asyncio.run(main())
    """
    command = [sys.executable, "-W", "error", "-c", code]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert "pip install 'aliocr[emulator]'" in ran.stdout
    assert not ran.stderr


async def test_images_over_the_quota_are_refused_one_by_one() -> None:
    """588 for images over the quota, answers for the others; done images free their places."""
    urls = [f"{IMAGE}?{number}" for number in range(8)]
    async with Emulator(images_per_second=10, images_in_flight=4) as emulator:
        emulator.delay(0.01)
        heard = await asyncio.gather(ask(emulator, *urls[:3]), ask(emulator, *urls[:3]))
        codes = [code for one in heard for code in one.codes]
        assert sorted(codes) == [200] * 4 + [588] * 2
        emulator.allow_images(images_in_flight=6)
        assert (await ask(emulator, *urls)).codes == [200] * 6 + [588] * 2
        emulator.allow_images(images_per_second=5)
        assert (await ask(emulator, *urls)).codes == [200] * 5 + [588] * 3
    with pytest.raises(ValueError, match="images_in_flight must be 1 or more"):
        emulator.allow_images(images_in_flight=0)


async def test_a_new_account_has_the_documented_quota() -> None:
    """10 images a second and 50 at once with `NEW_ACCOUNT`; otherwise no quota."""
    urls = [f"{IMAGE}?{number}" for number in range(100)]
    async with Emulator(**NEW_ACCOUNT) as emulator:
        assert (await ask(emulator, *urls)).codes == [200] * 10 + [588] * 90
        emulator.allow_images(None, NEW_ACCOUNT["images_in_flight"])
        assert (await ask(emulator, *urls)).codes == [200] * 50 + [588] * 50
    async with Emulator() as emulator:
        assert (await ask(emulator, *urls)).codes == [200] * 100


async def test_a_throttled_request_may_be_told_when_to_come_again() -> None:
    """In milliseconds, in the header that the vendor's SDK reads."""
    async with Emulator() as emulator:
        emulator.refuse("Throttling.User", retry_after=1.5)
        first, second = await ask(emulator), await ask(emulator)
    assert first.status == 400
    assert first.headers["x-acs-retry-after"] == "1500"
    assert "x-acs-retry-after" not in second.headers
