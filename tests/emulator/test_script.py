"""Instructions of a script, and their effect on a client over a real socket."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import pytest

import aliocr
from aliocr.credentials import Credentials
from aliocr.emulator import Emulator
from aliocr.emulator.access.operations import IMAGE_SCAN
from aliocr.emulator.content import Content
from aliocr.emulator.script import MAX_SKEW
from aliocr.errors import APIError
from aliocr.models import Region
from tests.support.asking import IMAGE, arrived, ask, body_of, gone, send, sign

A, B, C = (f"https://example.com/{name}.png" for name in "abc")


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """A running emulator without a rate limit."""
    async with Emulator(requests_per_second=None) as found:
        yield found


# --- images ---------------------------------------------------------------------------------------


async def test_an_image_without_an_instruction_says_its_url(emulator: Emulator) -> None:
    """Without instructions a test can tell images apart."""
    result = (await ask(emulator, A)).data[0]["results"][0]
    assert result["ocrData"] == [f"text of {A}"]
    assert [region["text"] for region in result["ocrLocations"]] == [f"text of {A}"]


async def test_an_image_says_what_it_was_told_to(emulator: Emulator) -> None:
    """Text with a default position, or with given regions."""
    emulator.text(A, "one")
    emulator.text(B, "two words", [Region("two", 1, 2, 3, 4), Region("words", 5, 6, 7, 8)])
    first, second = (answer["results"][0] for answer in (await ask(emulator, A, B)).data)
    assert first["ocrData"] == ["one"]
    assert [region["text"] for region in first["ocrLocations"]] == ["one"]
    assert second["ocrLocations"] == [
        {"text": "two", "x": 1.0, "y": 2.0, "w": 3.0, "h": 4.0},
        {"text": "words", "x": 5.0, "y": 6.0, "w": 7.0, "h": 8.0},
    ]
    assert (first["label"], first["suggestion"]) == ("ocr", "review")


async def test_an_instruction_is_for_the_url_however_it_is_written(emulator: Emulator) -> None:
    """A client sends it percent-encoded."""
    written = "https://example.com/发票 1.png"
    emulator.text(written, "64.50")
    emulator.fail(f"{written}?lost", 404)
    emulator.omit(f"{written}?omitted", None)
    images = [aliocr.Image(f"{written}{query}") for query in ("", "?signed", "?lost", "?omitted")]
    answers = (await ask(emulator, *(image.url for image in images))).data
    assert [answer["results"][0]["ocrData"] for answer in answers[:2]] == [["64.50"]] * 2
    assert [answer["code"] for answer in answers[2:]] == [404]


async def test_an_image_without_text_passes(emulator: Emulator) -> None:
    """`normal`, `pass`, and neither ocrData nor ocrLocations."""
    emulator.text(A, "")
    (result,) = (await ask(emulator, A)).data[0]["results"]
    assert result == {"scene": "ocr", "label": "normal", "suggestion": "pass", "rate": 99.9}


async def test_an_image_fails_so_many_times_and_is_then_read(emulator: Emulator) -> None:
    """So a test can watch a retry succeed."""
    emulator.text(A, "found")
    emulator.fail(A, 592, 2)
    emulator.fail(A, 581, 1, message="AlgorithmTimeOut")
    heard = [(await ask(emulator, A, B)).data for _ in range(4)]
    assert [[answer["code"] for answer in data] for data in heard] == [
        [592, 200],
        [592, 200],
        [581, 200],
        [200, 200],
    ]
    assert [data[0]["msg"] for data in heard] == [
        "DOWNLOAD_TIMEOUT",
        "DOWNLOAD_TIMEOUT",
        "AlgorithmTimeOut",
        "OK",
    ]
    assert "results" not in heard[0][0]
    assert heard[3][0]["results"][0]["ocrData"] == ["found"]


@pytest.mark.parametrize(
    ("code", "words"), [(408, "No permissions."), (411, ""), (596, "PERMISSION_DENY")]
)
async def test_a_failure_is_in_the_documented_words(
    emulator: Emulator, code: int, words: str
) -> None:
    """For images and for requests."""
    emulator.fail(A, code)
    assert [(a["code"], a["msg"]) for a in (await ask(emulator, A)).data] == [(code, words)]
    emulator.refuse(code)
    heard = (await ask(emulator, A)).json
    assert (heard["code"], heard["msg"]) == (code, words)


async def test_a_star_is_every_image_by_itself(emulator: Emulator) -> None:
    """Every image fails once, at any time; an instruction for its URL goes first."""
    emulator.fail("*", 500, times=1)
    emulator.fail(C, 404)
    emulator.text("*", "anything")
    assert (await ask(emulator, A)).codes == [500]
    assert (await ask(emulator, A, B, C)).codes == [200, 500, 404]
    heard = await ask(emulator, A, B, C)
    assert heard.codes == [200, 200, 404]
    assert heard.data[0]["results"][0]["ocrData"] == ["anything"]


VERBS_OF_IMAGES: list[Callable[[Emulator, str], None]] = [
    lambda emulator, url: emulator.text(url, "told"),
    lambda emulator, url: emulator.fail(url, 404),
    lambda emulator, url: emulator.fail(url, 404, times=9),
    lambda emulator, url: emulator.omit(url),
    lambda emulator, url: emulator.repeat(url),
    lambda emulator, url: emulator.sink(url, 500),
]


@pytest.mark.parametrize("tell", VERBS_OF_IMAGES)
async def test_a_url_without_a_query_is_the_image_with_any_signature(
    emulator: Emulator, tell: Callable[[Emulator, str], None]
) -> None:
    """For each verb of images; a URL with a query is only itself."""

    async def heard(url: str) -> Any:
        reply = (await ask(emulator, url)).json
        return [(each["code"], "told" in str(each)) for each in reply.get("data", [])]

    usual = await heard(A)
    tell(emulator, A)
    assert await heard(f"{A}?Expires=1&Signature=abc%3D") != usual
    assert await heard(B) == usual
    emulator.reset()
    tell(emulator, f"{A}?v=1")
    assert await heard(A) == await heard(f"{A}?v=2") == usual
    assert await heard(f"{A}?v=1") != usual


async def test_an_image_fails_once_under_all_its_signatures(emulator: Emulator) -> None:
    """A client may sign a URL anew for its next try; the nearer instruction goes first."""
    emulator.fail(A, 592, times=1)
    emulator.fail(f"{A}?s=2", 404)
    codes = [(await ask(emulator, f"{A}?s={number}")).codes for number in (2, 1, 3)]
    assert codes == [[404], [592], [200]]


async def test_an_answer_can_be_left_out(emulator: Emulator) -> None:
    """The documents do not promise complete replies."""
    emulator.omit(B)
    assert [a["dataId"] for a in (await ask(emulator, A, B, C)).data] == ["d0", "d2"]
    assert [a["dataId"] for a in (await ask(emulator, A, B, C)).data] == ["d0", "d1", "d2"]


async def test_an_answer_can_come_twice_and_contradict_itself(emulator: Emulator) -> None:
    """A failure after a success, and a success after a failure."""
    emulator.repeat(A)
    emulator.repeat(B)
    emulator.fail(B, 590)
    heard = await ask(emulator, A, B)
    assert [(a["dataId"], a["code"]) for a in heard.data] == [
        ("d0", 200),
        ("d0", 500),
        ("d1", 590),
        ("d1", 200),
    ]
    assert len((await ask(emulator, A, B)).data) == 2


async def test_an_answer_can_be_about_another_image(emulator: Emulator) -> None:
    """A data id that was not in the request."""
    emulator.add_foreign()
    assert [a["dataId"] for a in (await ask(emulator, A)).data] == ["d0", "of-somebody-else"]
    assert [a["dataId"] for a in (await ask(emulator, A)).data] == ["d0"]


async def test_answers_can_come_in_another_order(emulator: Emulator) -> None:
    """The documents do not promise an order."""
    emulator.reverse()
    assert [a["dataId"] for a in (await ask(emulator, A, B, C)).data] == ["d2", "d1", "d0"]


# --- requests -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("Throttling", 400),
        ("Throttling.Api", 400),
        ("Forbidden.RAM", 403),
        ("InvalidAccessKeyId.NotFound", 404),
        ("InvalidSecurityToken.Expired", 400),
        ("InternalError", 500),
        ("ServiceUnavailable", 503),
        ("Some.NewCode", 400),
    ],
)
async def test_the_gateway_can_refuse(emulator: Emulator, code: str, status: int) -> None:
    """In the gateway's form, with the documented status."""
    emulator.refuse(code)
    heard = await ask(emulator)
    assert (heard.status, heard.json["Code"]) == (status, code)
    assert set(heard.json) == {"Code", "Message", "RequestId", "HostId", "Recommend"}
    assert (await ask(emulator)).status == 200


@pytest.mark.parametrize("code", [500, 588, 596])
async def test_the_service_can_refuse(emulator: Emulator, code: int) -> None:
    """In the envelope, with HTTP 200 and no data."""
    emulator.refuse(code, "in these words", times=2)
    for _ in range(2):
        heard = await ask(emulator)
        assert heard.status == 200
        assert (heard.json["code"], heard.json["msg"]) == (code, "in these words")
        assert set(heard.json) == {"code", "msg", "requestId"}
    assert (await ask(emulator)).json["code"] == 200


async def test_an_image_can_sink_its_request(emulator: Emulator) -> None:
    """All images of its request are lost; images of other requests are read."""
    emulator.sink(B, 500, times=2)
    assert (await ask(emulator, A, C)).codes == [200, 200]
    assert (await ask(emulator, A, B, C)).json["code"] == 500
    assert (await ask(emulator, B)).json["code"] == 500
    assert (await ask(emulator, A, B, C)).codes == [200, 200, 200]


async def test_a_proxy_can_answer_instead(emulator: Emulator) -> None:
    """With an HTML page and its own status."""
    emulator.respond(502, "<h1>Bad gateway</h1>", "text/html")
    heard = await ask(emulator)
    assert (heard.status, heard.body) == (502, b"<h1>Bad gateway</h1>")
    assert heard.headers["Content-Type"] == "text/html"
    assert emulator.calls[0].status == 502
    assert emulator.calls[0].code is None
    assert (await ask(emulator)).json["code"] == 200


async def test_an_answer_can_be_cut_short(emulator: Emulator) -> None:
    """The whole is announced, half is sent."""
    emulator.truncate_body()
    body = body_of(IMAGE)
    url = f"{emulator.url}/green/image/scan"
    async with aiohttp.ClientSession() as session:
        async with session.post(url, data=body, headers=sign(emulator, body)) as response:
            assert response.status == 200
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()
        assert (await ask(emulator, session=session)).codes == [200]
    # The images were read all the same: this is what may have been charged.
    assert emulator.calls[0].code == 200
    assert len(emulator.calls[0].answers) == 1


async def test_a_connection_can_be_dropped(emulator: Emulator) -> None:
    """Without a reply; the next request gets one."""
    emulator.drop_connection(times=2)
    for _ in range(2):
        with pytest.raises((aiohttp.ServerDisconnectedError, ConnectionResetError)):
            await ask(emulator)
    assert (await ask(emulator)).codes == [200]
    assert [call.status for call in emulator.calls] == [None, None, 200]


async def test_a_request_can_hang(emulator: Emulator) -> None:
    """For as long as the client waits; other requests are answered meanwhile."""
    emulator.hang()
    before = asyncio.all_tasks()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.04)) as session:
        waiting = asyncio.create_task(ask(emulator, session=session))
        await arrived(emulator, 1)
        assert (await ask(emulator)).codes == [200]
        with pytest.raises(TimeoutError):
            await waiting
        await gone(before)
    assert [call.status for call in emulator.calls] == [None, 200]


async def test_an_answer_can_stall_half_way(emulator: Emulator) -> None:
    """Headers and half of the body arrive; other requests are answered meanwhile."""
    emulator.stall()
    before = asyncio.all_tasks()
    body = body_of(IMAGE)
    url = f"{emulator.url}/green/image/scan"
    async with aiohttp.ClientSession() as session:
        async with session.post(url, data=body, headers=sign(emulator, body)) as response:
            assert response.status == 200
            half = (response.content_length or 0) // 2
            assert len(await response.content.readexactly(half)) == half
            rest = asyncio.create_task(response.content.readany())
            assert (await ask(emulator)).codes == [200]
            assert not rest.done()
            rest.cancel()
        await gone(before)
    assert [call.status for call in emulator.calls] == [200, 200]
    assert len(emulator.calls[0].answers) == 1


async def test_answers_can_be_slow(virtual_clock: None, emulator: Emulator) -> None:
    """Good replies and refusals."""
    loop = asyncio.get_running_loop()
    emulator.delay(30, times=2)
    emulator.refuse("Throttling")
    took = []
    for _ in range(3):
        start = loop.time()
        await ask(emulator)
        took.append(loop.time() - start)
    assert min(took[:2]) >= 30 > took[2]
    assert [call.code for call in emulator.calls] == ["Throttling", 200, 200]


async def test_faults_come_one_after_the_other(emulator: Emulator) -> None:
    """In the order of the instructions, one for each request."""
    emulator.refuse(503)
    emulator.respond(502, "", "text/html")
    emulator.refuse("Throttling", times=2)
    heard = [await ask(emulator) for _ in range(5)]
    assert [each.status for each in heard] == [200, 502, 400, 400, 200]


async def test_a_fault_waits_for_a_request_that_passes_the_gateway(emulator: Emulator) -> None:
    """A request with a wrong signature uses up no fault."""
    emulator.refuse(503)
    body = body_of(IMAGE)
    headers = sign(emulator, body)
    assert (await send(emulator, body, headers | {"x-acs-extra": "unsigned"})).status == 400
    assert (await ask(emulator)).json["code"] == 503


async def test_a_fault_comes_before_the_body_is_looked_at(emulator: Emulator) -> None:
    """A gateway that is down does not parse the body."""
    emulator.refuse("ServiceUnavailable")
    headers = sign(emulator, b"{")
    assert (await send(emulator, b"{", headers)).status == 503


# --- slips ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "slip",
    [
        lambda script: script.fail(A, 200),
        lambda script: script.refuse(200),
        lambda script: script.sink(A, 200),
        lambda script: script.fail(A, 500, 0),
        lambda script: script.hang(times=-1),
        lambda script: script.delay(-1),
        lambda script: script.hang(times=1.5),
        lambda script: script.respond(999, "", "text/plain"),
        lambda script: script.respond(200, {}, "application/json"),
        lambda script: script.throttle(retry_after=-1),
    ],
)
def test_an_invalid_instruction_is_refused(slip: Callable[[Any], None]) -> None:
    """A wrong instruction raises an error at once."""
    with pytest.raises(ValueError, match=r"200|times|seconds|retry_after|body"):
        slip(Emulator())


def test_many_instructions_are_found_at_once() -> None:
    """With ten thousand instructions an answer takes no longer than with one."""
    script = Emulator()
    urls = [f"https://example.com/{number}.png" for number in range(10_000)]
    for url in urls:
        script.fail(url, 592, times=1)
    assert all(script._instructions.next_outcome(url) for url in urls)
    assert not any(script._instructions.next_outcome(url) for url in urls)


def test_what_was_used_up_is_kept_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a million instructions nor a million images need memory for ever."""
    monkeypatch.setattr("aliocr.emulator.url_counts.REMEMBERED", 10)
    instructions = (script := Emulator())._instructions
    script.fail("*", 592, times=1)
    for number in range(100):
        url = f"https://example.com/{number}.png"
        script.fail(url, 500, times=1)
        script.throttle()
        assert instructions.next_fault(IMAGE_SCAN, ()) is not None
        failures = [instructions.next_outcome(url) for _ in range(3)]
        assert [getattr(each, "code", None) for each in failures] == [500, 592, None]
    (star,) = instructions.failures._counted["*"]
    assert len(star.uses) == 10
    assert not instructions.faults._counted
    assert instructions.describe()["instructions"] == 1


def test_the_script_answers_with_values() -> None:
    """The results of a script can be read in a unit test too."""
    script = Emulator()
    script.text(A, "a")
    script.fail(B, 590)
    assert script._instructions.next_outcome(A) == Content.of_text("a")
    failure = script._instructions.next_outcome(B)
    assert isinstance(failure, APIError)
    assert failure.code == 590
    assert script._instructions.next_outcome(C) is None


async def test_an_account_is_an_emulators_own() -> None:
    """By default two emulators have two accounts; no secret is in a repr."""
    first, second = Emulator(), Emulator()
    assert first.credentials != second.credentials
    given = Credentials("id", "secret")
    assert Emulator(credentials=given).credentials is given
    assert first.credentials.access_key_secret not in repr(first.credentials)


# --- clock and throttling -------------------------------------------------------------------------


async def test_a_clock_can_be_wrong(emulator: Emulator) -> None:
    """Requests are refused as by the service, and replies show the emulator's time."""
    emulator.skew_clock(3600)
    heard = await ask(emulator)
    assert (heard.status, heard.json["Code"]) == (400, "InvalidTimeStamp.Expired")
    ahead = parsedate_to_datetime(heard.headers["Date"]).timestamp() - time.time()
    assert 3500 < ahead < 3700
    emulator.skew_clock(0)
    assert (await ask(emulator)).status == 200


async def test_a_session_corrects_its_clock_by_the_services(emulator: Emulator) -> None:
    """By the Date of the refusal."""
    emulator.skew_clock(-3600)
    options: dict[str, Any] = {"credentials": emulator.credentials, "endpoint": emulator.url}
    async with aliocr.Session(**options) as ocr:
        assert (await ocr.scan(A)).ok
    assert [call.code for call in emulator.calls] == ["InvalidTimeStamp.Expired", 200]


async def test_a_request_can_be_one_too_many(emulator: Emulator) -> None:
    """At any rate, with the seconds to wait if they are given."""
    emulator.throttle(2, retry_after=1.5)
    heard = [await ask(emulator) for _ in range(3)]
    assert [each.status for each in heard] == [400, 400, 200]
    assert heard[0].json["Code"] == "Throttling.User"
    assert heard[0].headers["x-acs-retry-after"] == "1500"


# --- one instruction and the next -----------------------------------------------------------------


async def test_the_last_permanent_instruction_counts(emulator: Emulator) -> None:
    """A new instruction takes effect without a reset."""
    emulator.fail(A, 404)
    emulator.fail(A, 590)
    assert (await ask(emulator, A)).codes == [590]
    emulator.fail(A, 592, times=1)
    assert [(await ask(emulator, A)).codes for _ in range(2)] == [[592], [590]]
    emulator.text(A, "found")
    assert (await ask(emulator, A)).codes == [200]


async def test_text_waits_for_failures_that_end_by_themselves(emulator: Emulator) -> None:
    """In any order of the two instructions."""
    emulator.fail(A, 592, times=1)
    emulator.text(A, "found")
    assert [(await ask(emulator, A)).codes for _ in range(2)] == [[592], [200]]


async def test_so_many_requests_are_sunk_whatever_they_hold(emulator: Emulator) -> None:
    """The number counts requests, not images."""
    emulator.sink("*", 500, times=2)
    assert [(await ask(emulator, url)).json["code"] for url in (A, B, C)] == [500, 500, 200]


@pytest.mark.parametrize(
    "slip",
    [
        lambda emulator: emulator.skew_clock(1e300),
        lambda emulator: emulator.skew_clock(-1e9),
        lambda emulator: emulator.skew_clock(float("nan")),
        lambda emulator: emulator.respond(200, "", "text/html\r\nx: y"),
        lambda emulator: emulator.respond(200, "", "text/html; é"),
        lambda emulator: emulator.skew_clock("1"),
        lambda emulator: emulator.delay(float("nan")),
        lambda emulator: emulator.delay(seconds=True),
        lambda emulator: emulator.throttle(retry_after="1"),
        lambda emulator: emulator.respond(200, "\ud800", "text/html"),
        lambda emulator: emulator.respond(200.5, "", "text/html"),
        lambda emulator: emulator.refuse(""),
        lambda emulator: emulator.refuse("503"),
        lambda emulator: emulator.refuse("Busy\ud800"),
        lambda emulator: emulator.refuse(None),
        lambda emulator: emulator.refuse(4.5),
        lambda emulator: emulator.refuse(10**30),
        lambda emulator: emulator.refuse(503, "\udfff"),
        lambda emulator: emulator.sink(A, ""),
        lambda emulator: emulator.sink(None, 503),
        lambda emulator: emulator.fail(A, "Throttling.User"),
        lambda emulator: emulator.fail(A, "404"),
        lambda emulator: emulator.fail(A, None),
        lambda emulator: emulator.fail(A, 10**30),
        lambda emulator: emulator.fail(A, 404, message="\udfff"),
        lambda emulator: emulator.fail(A, 404, message=404),
        lambda emulator: emulator.fail(A + "\udfff", 404),
        lambda emulator: emulator.text(A, "\ud800"),
        lambda emulator: emulator.text(A, None),
        lambda emulator: emulator.text(5, "five"),
        lambda emulator: emulator.text(A, "a", [("a", 1, 2, 3, 4)]),
        lambda emulator: emulator.text(A, "a", [Region("\ud800", 1, 2, 3, 4)]),
        lambda emulator: emulator.text(A, "a", [Region("a", float("nan"), 2, 3, 4)]),
        lambda emulator: emulator.chaos(requests={"hang": "0.5"}),
        lambda emulator: emulator.chaos(delay="1"),
        lambda emulator: emulator.chaos("1"),
        lambda emulator: emulator.allow_images(images_in_flight=1.5),
        lambda emulator: emulator.allow_images("10"),
    ],
)
async def test_an_instruction_that_cannot_be_sent_is_refused(
    emulator: Emulator, slip: Callable[[Any], None]
) -> None:
    """A mistake is refused at once, and changes nothing."""
    with pytest.raises(ValueError, match=r"must be|is not the code"):
        slip(emulator)
    assert (await ask(emulator, A)).codes == [200]


@pytest.mark.parametrize("seconds", [MAX_SKEW, -MAX_SKEW])
async def test_a_clock_that_is_wrong_by_years_tells_its_date(
    emulator: Emulator, seconds: float
) -> None:
    """So a client can correct its own clock."""
    emulator.skew_clock(seconds)
    heard = await ask(emulator, A)
    assert heard.json["Code"] == "InvalidTimeStamp.Expired"
    told = parsedate_to_datetime(heard.headers["Date"]).timestamp()
    assert told == pytest.approx(time.time() + seconds, abs=60)
