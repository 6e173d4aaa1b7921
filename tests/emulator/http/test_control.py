"""The control API: instructions and records for tests in any language."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
import pytest

from aliocr.credentials import Credentials
from aliocr.emulator import Emulator
from aliocr.emulator.script import VERBS
from tests.support.asking import IMAGE, Heard, ask


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """A running emulator without a rate limit."""
    async with Emulator(requests_per_second=None) as found:
        yield found


async def control(
    emulator: Emulator, method: str, path: str, body: bytes | dict[str, Any] | None = None
) -> Heard:
    """Ask the control API."""
    data = msgspec.json.encode(body) if isinstance(body, dict) else body
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"{emulator.url}/_emulator/{path}", data=data) as response,
    ):
        return Heard(response.status, response.headers, await response.read())


@pytest.mark.parametrize("verb", VERBS)
async def test_every_verb_says_what_it_takes(emulator: Emulator, verb: str) -> None:
    """The index lists the arguments; an error names the wrong one."""
    index = (await control(emulator, "GET", "")).json["script"]
    schema = index[verb]["arguments"]
    properties = schema["$defs"][schema["$ref"].rpartition("/")[2]]["properties"]
    assert list(properties) == list(inspect.signature(getattr(emulator, verb)).parameters)
    assert index[verb]["does"].endswith(".")
    heard = await control(emulator, "POST", f"script/{verb}", {"tims": 1})
    assert heard.status == 400
    assert heard.json["error"].startswith(f"{verb}: ")


async def test_images_are_scripted_from_outside(emulator: Emulator) -> None:
    """Texts with regions, and failures for a number of times, for all images or one."""
    region = {"text": "Total", "x": 1, "y": 2, "w": 30, "h": 4}
    text = {"url": IMAGE, "text": "Total", "regions": [region]}
    assert (await control(emulator, "POST", "script/text", text)).status == 204
    fail = {"url": "*", "code": 592, "times": 1}
    assert (await control(emulator, "POST", "script/fail", fail)).status == 204
    first, second = await ask(emulator), await ask(emulator)
    assert first.codes == [592]
    assert second.data[0]["results"][0]["ocrLocations"] == [region]


async def test_requests_are_scripted_from_outside(emulator: Emulator) -> None:
    """A verb that needs nothing takes an empty body."""
    assert (await control(emulator, "POST", "script/throttle")).status == 204
    page = {"status": 502, "body": "<html>", "content_type": "text/html"}
    assert (await control(emulator, "POST", "script/respond", page)).status == 204
    assert (await ask(emulator)).json["Code"] == "Throttling.User"
    heard = await ask(emulator)
    assert (heard.status, heard.body) == (502, b"<html>")


async def test_quotas_are_changed_from_outside(emulator: Emulator) -> None:
    """For example in the middle of a job."""
    quota = {"images_per_second": 1}
    assert (await control(emulator, "POST", "script/allow_images", quota)).status == 204
    assert (await ask(emulator, IMAGE, f"{IMAGE}?2")).codes == [200, 588]


async def test_a_reset_forgets_what_was_told_and_what_arrived(emulator: Emulator) -> None:
    """One emulator serves a whole suite of tests."""
    emulator.refuse("InternalError", times=None)
    emulator.chaos(images={592: 1})
    emulator.set_state("banned")
    emulator.disable_key()
    emulator.allow_images(images_in_flight=1)
    emulator.skew_clock(10_000)
    assert (await ask(emulator)).json["Code"] == "InvalidTimeStamp.Expired"
    assert (await control(emulator, "POST", "script/reset")).status == 204
    assert emulator.calls == []
    assert (await ask(emulator, IMAGE, f"{IMAGE}?2")).codes == [200, 200]


@pytest.mark.parametrize(
    ("verb", "body", "said"),
    [
        ("fail", b"{}", "url"),
        ("fail", b"[]", "object"),
        ("fail", b"not json", "JSON"),
        ("fail", b'{"url": "*", "code": 200}', "200"),
        ("fail", b'{"url": "*", "code": "many"}', "int"),
        ("fail", b'{"url": "*", "code": 500, "times": 0}', "times"),
        ("delay", b'{"seconds": -1}', "seconds"),
        ("chaos", b'{"images": {"592": 2}}', "592"),
        ("text", b"[" * 100_000, ""),
    ],
)
async def test_a_mistake_is_answered_with_the_reason(
    emulator: Emulator, verb: str, body: bytes, said: str
) -> None:
    """A mistake changes nothing."""
    heard = await control(emulator, "POST", f"script/{verb}", body)
    assert heard.status == 400
    assert said in heard.json["error"]
    assert (await ask(emulator)).codes == [200]


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "script/nonsense"), ("POST", "script/start"), ("GET", "x"), ("PUT", "calls")],
)
async def test_an_unknown_path_is_not_found(emulator: Emulator, method: str, path: str) -> None:
    """A 404 in the API's own form, not the service's, and not recorded as a call."""
    heard = await control(emulator, method, path)
    assert heard.status == 404
    assert "error" in heard.json
    assert emulator.calls == []


async def test_calls_tell_what_arrived_and_what_it_would_have_cost(emulator: Emulator) -> None:
    """Refused requests too; the query of a signed URL, which is a key, is left out."""
    a, b = (f"https://example.com/{name}.png?key=hidden" for name in "ab")
    emulator.fail(b, 404)
    emulator.delay(0.01, times=1)
    await ask(emulator, a, b)
    emulator.refuse("Throttling.User")
    await ask(emulator, IMAGE)
    heard = await control(emulator, "GET", "calls")
    assert b"hidden" not in heard.body
    read, refused = heard.json["calls"]
    assert (refused["status"], refused["code"], refused["charged"]) == (400, "Throttling.User", 0)
    assert (read["method"], read["path"]) == ("POST", "/green/image/scan")
    assert (read["status"], read["code"], read["charged"]) == (200, 200, 1)
    assert read["images"] == [
        {"url": "https://example.com/a.png?…", "data_id": "d0", "code": 200, "frames": 1},
        {"url": "https://example.com/b.png?…", "data_id": "d1", "code": 404, "frames": 0},
    ]
    assert read["seconds"] >= 0.01
    assert (await control(emulator, "GET", "calls?last=1")).json["calls"] == [refused]
    assert (await control(emulator, "GET", "calls?last=0")).json["calls"] == []
    for slip in ("-1", "", "x", "9" * 5000):
        slipped = await control(emulator, "GET", f"calls?last={slip}")
        assert (slipped.status, slipped.body[:20]) == (400, b'{"error":"last must ')
        assert len(slipped.body) < 100
    assert (await control(emulator, "DELETE", "calls")).status == 204
    assert emulator.calls == []


async def test_brief_calls_tell_the_same() -> None:
    """A long-running emulator keeps the facts that the API shows, and no text that was read."""
    async with (
        Emulator(requests_per_second=None) as whole,
        Emulator(
            requests_per_second=None, brief_calls=True, credentials=whole.credentials
        ) as brief,
    ):
        told = []
        for emulator in (whole, brief):
            emulator.fail(f"{IMAGE}?key=other", 404)
            emulator.repeat(f"{IMAGE}?key=hidden")
            await ask(emulator, f"{IMAGE}?key=other", f"{IMAGE}?key=hidden")
            emulator.drop_connection()
            with pytest.raises(aiohttp.ClientError):
                await ask(emulator, IMAGE)
            listed = (await control(emulator, "GET", "calls")).json["calls"]
            told.append([(call["code"], call["charged"], call["images"]) for call in listed])
        assert told[0] == told[1]
        assert [image["code"] for image in told[1][0][2]] == [404, 200]
        assert all(call.tasks and call.answers for call in whole.calls)
        assert not any(call.tasks or call.answers for call in brief.calls)
        assert [call.images for call in brief.calls] == [call.images for call in whole.calls]
        assert (brief.charged, brief.busiest_second()) == (whole.charged, 2)


async def test_calls_are_told_one_by_one(emulator: Emulator) -> None:
    """A thousand calls block no other request: the loop runs between two of them."""
    await ask(emulator, *(f"{IMAGE}?{number}" for number in range(100)))
    emulator.calls *= 500
    asked = asyncio.create_task(control(emulator, "GET", "calls"))
    turns = 0
    while not asked.done():
        await asyncio.sleep(0)
        turns += 1
    told = (await asked).json["calls"]
    assert [len(call["images"]) for call in told] == [100] * 500
    assert turns >= 500


async def test_a_dropped_connection_is_charged(emulator: Emulator) -> None:
    """The worst case: the images are read, and the reply never arrives."""
    emulator.drop_connection()
    with pytest.raises(aiohttp.ClientError):
        await ask(emulator, IMAGE, f"{IMAGE}?2")
    (call,) = (await control(emulator, "GET", "calls")).json["calls"]
    assert (call["status"], call["code"], call["charged"], call["seconds"]) == (None, None, 2, None)


async def test_the_status_tells_no_secret(emulator: Emulator) -> None:
    """Version, engine, limits, calls and images charged."""
    await ask(emulator)
    heard = await control(emulator, "GET", "status")
    assert heard.json["engine"] is None
    assert (heard.json["instructions"], heard.json["skew"], heard.json["chaos"]) == (0, 0, False)
    assert (heard.json["calls"], heard.json["charged"], heard.json["deadline"]) == (1, 1, 6.0)
    (account,) = heard.json["accounts"]
    assert account["keys"] == [
        {
            "access_key_id": emulator.credentials.access_key_id,
            "active": True,
            "expired": False,
            "temporary": False,
        }
    ]
    assert (account["state"], account["window"]) == ("active", "sliding")
    assert emulator.credentials.access_key_secret.encode() not in heard.body
    assert (await control(emulator, "GET", "health")).json == {"ok": True}


async def test_keys_and_accounts_fall_from_grace() -> None:
    """A token expires, a key is disabled, an account is overdue: each has the service's code."""
    key = Credentials("STS.id", "secret", "token")
    async with Emulator(credentials=key, requests_per_second=None) as emulator:
        assert (await control(emulator, "POST", "script/expire_token")).status == 204
        assert (await ask(emulator)).json["Code"] == "InvalidSecurityToken.Expired"
        disable = {"access_key_id": "STS.id"}
        assert (await control(emulator, "POST", "script/disable_key", disable)).status == 204
        assert (await ask(emulator)).json["Code"] == "InvalidAccessKeyId.Inactive"
        heard = await control(emulator, "POST", "script/disable_key", {"access_key_id": "other"})
        assert (heard.status, "'other'" in heard.json["error"]) == (400, True)


async def test_an_account_can_be_overdue_for_a_while(emulator: Emulator) -> None:
    """Until its state is set back."""
    assert (await control(emulator, "POST", "script/set_state", {"state": "overdue"})).status == 204
    assert (await ask(emulator)).json["code"] == 596
    emulator.set_state("active")
    assert (await ask(emulator)).codes == [200]
    for slip in ({"state": "rich"}, {"state": "active", "uid": "1"}):
        assert (await control(emulator, "POST", "script/set_state", slip)).status == 400


def test_a_permanent_key_has_no_token_to_expire() -> None:
    """The mistake is refused at once."""
    with pytest.raises(ValueError, match="not a temporary key"):
        Emulator().expire_token()


async def test_the_status_tells_what_is_in_force(emulator: Emulator) -> None:
    """Otherwise a developer would look for the fault in the client."""
    emulator.fail("*", 592)
    emulator.text(IMAGE, "hello")
    emulator.skew_clock(60)
    emulator.chaos(images={592: 0.1})
    heard = await control(emulator, "GET", "status")
    assert (heard.json["instructions"], heard.json["skew"], heard.json["chaos"]) == (2, 60, True)
