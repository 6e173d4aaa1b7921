"""The three verbs, judged by what arrives at the emulator."""

import asyncio
import contextlib
import contextvars
import gc
import ssl
import weakref
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import aclosing

import aiohttp
import pytest

import aliocr
from aliocr import Image, Session
from aliocr.arguments import REGIONS
from aliocr.emulator import Emulator

pytestmark = pytest.mark.usefixtures("virtual_clock")

Sessions = Callable[..., Session]


def _urls(count: int) -> list[str]:
    return [f"https://example.com/{number}.png" for number in range(count)]


def _sizes(emulator: Emulator) -> list[int]:
    return [len(call.tasks) for call in emulator.calls]


async def test_one_image_is_read(ocr: Session, emulator: Emulator) -> None:
    """A URL in, its text out, in one request of one image."""
    emulator.text("https://example.com/receipt.png", "Total 64.50")
    scan = await ocr.scan("https://example.com/receipt.png")
    assert (scan.ok, scan.text, scan.needs_review) == (True, "Total 64.50", True)
    assert scan.regions[0].text == "Total 64.50"
    assert scan.image == Image("https://example.com/receipt.png")
    assert scan.request_id == emulator.calls[0].request_id
    assert _sizes(emulator) == [1]


async def test_an_image_without_text_is_read_as_empty(ocr: Session, emulator: Emulator) -> None:
    """No text is a result like any other."""
    emulator.text("*", "")
    scan = await ocr.scan("https://example.com/white.png")
    assert (scan.text, scan.regions, scan.label, scan.needs_review) == ("", (), "normal", False)


async def test_250_images_are_three_requests_and_come_in_order(
    ocr: Session, emulator: Emulator
) -> None:
    """A list in, outcomes in the same order, whatever order the service answers in."""
    emulator.reverse()
    outcomes = await ocr.scan_many(_urls(250))
    assert [outcome.image.url for outcome in outcomes] == _urls(250)
    assert [outcome.ok and outcome.text for outcome in outcomes] == [
        f"text of {url}" for url in _urls(250)
    ]
    assert _sizes(emulator) == [100, 100, 50]


async def test_a_thousand_concurrent_scans_are_ten_requests(
    ocr: Session, emulator: Emulator
) -> None:
    """The batch is formed when the permit comes: those who would have waited share a request."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    scans = await asyncio.gather(*map(ocr.scan, _urls(1000)))
    assert [scan.text for scan in scans] == [f"text of {url}" for url in _urls(1000)]
    assert len(emulator.calls) in (10, 11)
    assert loop.time() - start < 1.1


async def test_a_lone_scan_waits_for_nothing(ocr: Session) -> None:
    """Below the limit an image travels at once and alone."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    await ocr.scan("https://example.com/a.png")
    assert loop.time() - start < 0.001


async def test_sessions_of_one_account_hold_one_limit(
    session: Sessions, emulator: Emulator
) -> None:
    """Three sessions, all verbs, retries among them: never an eleventh request in a second."""
    emulator.fail("https://example.com/5.png", 592, times=2)
    small = aliocr.Limits(images_per_request=7)

    async def streamed(ocr: Session) -> int:
        return len([outcome async for outcome in ocr.stream(_urls(200))])

    async with session() as one, session(limits=small) as two, session() as three:
        many, count, _ = await asyncio.gather(
            one.scan_many(_urls(300)), streamed(two), asyncio.gather(*map(three.scan, _urls(30)))
        )
    assert (len(many), count) == (300, 200)
    assert emulator.busiest_second() == 10
    assert all(call.status == 200 for call in emulator.calls)


async def test_a_session_a_call_gives_no_second_burst(
    session: Sessions, emulator: Emulator
) -> None:
    """The limit is the account's, and outlives the session."""
    for url in _urls(25):
        async with session() as ocr:
            await ocr.scan(url)
    assert len(emulator.calls) == 25
    assert all(call.status == 200 for call in emulator.calls)


# --- retries, image by image ----------------------------------------------------------------------


async def test_only_the_image_that_failed_goes_again(ocr: Session, emulator: Emulator) -> None:
    """One failed download among fifty: one image is re-sent."""
    emulator.fail("https://example.com/7.png", 592, times=1)
    outcomes = await ocr.scan_many(_urls(50))
    assert all(outcome.ok for outcome in outcomes)
    assert _sizes(emulator) == [50, 1]
    assert emulator.calls[1].tasks[0].url == "https://example.com/7.png"


async def test_a_lasting_failure_is_not_repeated(ocr: Session, emulator: Emulator) -> None:
    """An image in the wrong format stays so; its neighbours are read, and it is a value."""
    emulator.fail("https://example.com/1.png", 590)
    first, second, third = await ocr.scan_many(_urls(3))
    assert first.ok
    assert third.ok
    assert not second.ok
    assert isinstance(second.error, aliocr.ImageError)
    assert second.error.code == 590
    assert second.error.request_id == emulator.calls[0].request_id
    assert _sizes(emulator) == [3]


async def test_an_image_that_always_fails_is_given_up(ocr: Session, emulator: Emulator) -> None:
    """A download that never succeeds is tried three times: `scan` raises what is wrong."""
    emulator.fail("*", 592)
    with pytest.raises(aliocr.DownloadError, match="592 DOWNLOAD_TIMEOUT"):
        await ocr.scan("https://example.com/a.png")
    assert _sizes(emulator) == [1, 1, 1]


async def test_images_that_failed_alike_come_back_together(
    ocr: Session, emulator: Emulator
) -> None:
    """Five failed downloads of one request are one request more, not five."""
    for url in _urls(5):
        emulator.fail(url, 581, times=1)
    await ocr.scan_many(_urls(20))
    assert _sizes(emulator) == [20, 5]


async def test_throttled_images_wait_and_are_read(ocr: Session, emulator: Emulator) -> None:
    """Being throttled is not the image's failure: it uses up none of its tries."""
    emulator.fail("https://example.com/0.png", 588, times=6)
    emulator.refuse("Throttling.User", times=2)
    outcomes = await ocr.scan_many(_urls(3))
    assert all(outcome.ok for outcome in outcomes)


@pytest.mark.parametrize("code", ["Throttling.User", 588, "ServiceUnavailable", 503, 500])
async def test_the_service_says_when_to_come_again(
    ocr: Session, emulator: Emulator, code: int | str
) -> None:
    """In milliseconds, with whatever failure; nobody of the account sends before."""
    emulator.refuse(code, retry_after=4.5)
    await asyncio.gather(*map(ocr.scan, _urls(150)))
    gaps = [call.arrived - emulator.calls[0].arrived for call in emulator.calls]
    assert any(4.5 <= gap < 4.75 for gap in gaps)
    assert not any(0.2 < gap < 4.5 for gap in gaps)


# --- requests that fail as a whole ----------------------------------------------------------------


def _script_times_out(emulator: Emulator) -> None:
    emulator.hang()


def _script_proxy_page(emulator: Emulator) -> None:
    emulator.respond(502, "<html>Bad Gateway</html>", "text/html")


def _script_cut_body(emulator: Emulator) -> None:
    emulator.truncate_body()


def _script_dropped(emulator: Emulator) -> None:
    emulator.drop_connection()


def _script_envelope(emulator: Emulator) -> None:
    emulator.refuse(580)


def _script_missing(emulator: Emulator) -> None:
    emulator.omit("https://example.com/3.png")


def _script_foreign(emulator: Emulator) -> None:
    emulator.add_foreign()


def _script_repeated(emulator: Emulator) -> None:
    emulator.repeat("https://example.com/3.png")


FAULTS = [
    _script_times_out,
    _script_proxy_page,
    _script_cut_body,
    _script_dropped,
    _script_envelope,
    _script_missing,
    _script_foreign,
    _script_repeated,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__[8:])
async def test_each_image_gets_one_outcome_whatever_happens(
    session: Sessions, emulator: Emulator, fault: Callable[[Emulator], None]
) -> None:
    """With a retry all are read; without, each has a failure or scan of its own; never two."""
    fault(emulator)
    async with session() as ocr:
        outcomes = await ocr.scan_many(_urls(30))
        assert [outcome.image.url for outcome in outcomes] == _urls(30)
        assert all(outcome.ok for outcome in outcomes)
    fault(emulator)
    async with session(max_retries=0) as ocr:
        streamed = [outcome async for outcome in ocr.stream(_urls(30))]
    assert sorted(outcome.image.url for outcome in streamed) == sorted(_urls(30))
    errors = [outcome.error for outcome in streamed if not outcome.ok]
    assert len({id(error) for error in errors}) == len(errors)  # each raised by its own task
    assert all(error.transient and error.maybe_charged for error in errors)


async def test_a_batch_that_fails_whole_comes_back_in_smaller_parts(
    session: Sessions, emulator: Emulator
) -> None:
    """A picture that sinks every request it is in ends up alone: no neighbour is lost."""
    culprit = "https://example.com/37.png"
    emulator.sink(culprit, 500)
    async with session() as ocr:
        outcomes = await ocr.scan_many(_urls(100))
    assert [outcome.image.url for outcome in outcomes if not outcome.ok] == [culprit]
    assert len(emulator.calls) - 1 <= 14


async def test_a_request_refused_for_one_image_costs_nobody_a_try(
    session: Sessions, emulator: Emulator
) -> None:
    """A 400 for the whole request: nothing ran, so the halves go again without a retry."""
    emulator.refuse(400, "[task.dataId] is too long(>256)")
    async with session(max_retries=0) as ocr:
        outcomes = await ocr.scan_many(_urls(10))
    assert all(outcome.ok for outcome in outcomes)
    assert _sizes(emulator) == [10, 5, 5]


async def test_the_deadline_covers_the_body(session: Sessions, emulator: Emulator) -> None:
    """A server that starts to answer and stalls is a timeout, at the very second."""
    emulator.stall(times=None)
    loop = asyncio.get_running_loop()
    start = loop.time()
    async with session(timeout=6.5, max_retries=0) as ocr:
        with pytest.raises(TimeoutError) as caught:
            await ocr.scan("https://example.com/a.png")
    assert 6.49 < loop.time() - start < 6.51
    assert isinstance(caught.value, aliocr.ScanTimeoutError)
    assert caught.value.maybe_charged


async def test_a_dead_server_is_a_failure_that_cost_nothing(session: Sessions) -> None:
    """Nothing was sent, so nothing can have been charged; the message says what is wrong."""
    async with session(endpoint="http://127.0.0.1:1") as ocr:
        (outcome,) = await ocr.scan_many(_urls(1))
    assert not outcome.ok
    assert isinstance(outcome.error, aliocr.TransportError)
    assert not outcome.error.maybe_charged
    assert "no connection" in str(outcome.error)


async def test_https_where_there_is_none_is_said(emulator: Emulator, session: Sessions) -> None:
    """A slip in the endpoint: not "Operation not permitted", which the system calls its number."""
    async with session(endpoint=emulator.url.replace("http:", "https:")) as ocr:
        (outcome,) = await ocr.scan_many(_urls(1))
    assert not outcome.ok
    assert isinstance(outcome.error, aliocr.TransportError)
    assert "no TLS at 127.0.0.1" in str(outcome.error)
    assert "http://" in str(outcome.error)
    assert not outcome.error.maybe_charged


# --- outages --------------------------------------------------------------------------------------


def _break_down(emulator: Emulator, kind: str) -> None:
    if kind == "page":
        emulator.respond(502, "<html>Bad Gateway</html>", "text/html", times=None)
    elif kind in ("503", "500"):
        emulator.refuse(int(kind), times=None)
    else:
        getattr(emulator, kind)(times=None)


@pytest.mark.parametrize("kind", ["drop_connection", "truncate_body", "hang", "page", "503", "500"])
async def test_an_outage_is_waited_out(ocr: Session, emulator: Emulator, kind: str) -> None:
    """Six seconds in the middle of a list: each image is read, and few are paid for twice."""
    job = asyncio.create_task(ocr.scan_many(_urls(3000)))
    await asyncio.sleep(1)
    _break_down(emulator, kind)
    await asyncio.sleep(6)
    emulator.reset()
    outcomes = await job
    assert all(outcome.ok for outcome in outcomes)
    assert ocr.stats.outcomes == {"Scan": 3000}
    # Half of a reply that is cut in its middle is kept, so requests go on; the rest is paid again.
    most = ocr.stats.images_sent / 2 if kind == "truncate_body" else 1500
    assert ocr.stats.charged_again <= most
    assert emulator.charged <= 3000 + ocr.stats.charged_again


async def test_a_deadline_holds_during_an_outage(ocr: Session, emulator: Emulator) -> None:
    """An own `asyncio.timeout`, and `timeout=`, end at the very moment; others wait on."""
    await ocr.scan("https://example.com/a.png")
    emulator.drop_connection(times=None)
    patient = asyncio.create_task(ocr.scan_many(_urls(500)))
    await asyncio.sleep(4)
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(aliocr.ScanTimeoutError, match="no answer within the 2 s"):
        await ocr.scan("https://example.com/b.png", timeout=2)
    assert loop.time() - began == pytest.approx(2, abs=0.01)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.5):
            await ocr.scan("https://example.com/c.png")
    assert loop.time() - began == pytest.approx(3.5, abs=0.01)
    emulator.reset()
    assert all(outcome.ok for outcome in await patient)


# --- whatever is wrong with the account is raised -------------------------------------------------


def _wrong(emulator: Emulator) -> aliocr.Credentials:
    return aliocr.Credentials(emulator.credentials.access_key_id, "wrong")


async def test_a_wrong_key_is_raised_from_every_verb(session: Sessions, emulator: Emulator) -> None:
    """Once, at once, with the request id and what to do, and without a retry."""
    async with session(credentials=_wrong(emulator)) as ocr:
        for verb in (
            lambda: ocr.scan("https://example.com/a.png"),
            lambda: ocr.scan_many(_urls(500)),
            lambda: anext(ocr.stream(_urls(500))),
        ):
            before = len(emulator.calls)
            with pytest.raises(aliocr.AuthError, match="the AccessKey secret is wrong") as caught:
                await verb()
            assert caught.value.code == "SignatureDoesNotMatch"
            assert caught.value.request_id == emulator.calls[before].request_id
            assert caught.value.request_id in str(caught.value)
            assert len(emulator.calls) == before + 1


@pytest.mark.parametrize("code", [596, 408])
async def test_an_account_without_permission_is_raised_too(
    ocr: Session, emulator: Emulator, code: int
) -> None:
    """An answer that refuses every image speaks of the account, not of the images."""
    emulator.fail("*", code)
    with pytest.raises(aliocr.AuthError, match=r"AliyunYundunGreenWebFullAccess|permission"):
        await ocr.scan_many(_urls(3))


@pytest.mark.parametrize("code", [596, 408])
async def test_permission_refused_for_one_image_is_that_images_failure(
    ocr: Session, emulator: Emulator, code: int
) -> None:
    """The 99 beside it have been paid for, and are given out; `scan` raises what it is told."""
    urls = _urls(100)
    emulator.fail(urls[7], code)
    outcomes = await ocr.scan_many(urls)
    assert [outcome.ok for outcome in outcomes] == [url != urls[7] for url in urls]
    failure = outcomes[7]
    assert isinstance(failure, aliocr.Failure)
    assert isinstance(failure.error, aliocr.AuthError)
    assert failure.error.of_image
    with pytest.raises(aliocr.AuthError):
        await ocr.scan(urls[7])
    assert (await ocr.scan(urls[8])).ok


async def test_what_was_read_is_given_out_before_the_account_is_refused(
    ocr: Session, emulator: Emulator
) -> None:
    """A stream gives the images that were read, and then raises."""
    read = 0
    with pytest.raises(aliocr.AuthError):  # noqa: PT012 - what comes before it counts
        async for outcome in ocr.stream(_urls(300)):
            read += outcome.ok
            if read == 1:
                emulator.disable_key()
                await asyncio.sleep(5)
    assert read == sum(len(call.tasks) for call in emulator.calls if call.status == 200)


@pytest.mark.parametrize("code", [500, 503, 580, 581, 585, 586, 587, 591, 595, 700])
@pytest.mark.parametrize("retries", [3, 8])
async def test_an_image_that_sinks_every_request_goes_down_alone(
    session: Sessions, emulator: Emulator, code: int, retries: int
) -> None:
    """Whatever code its requests are answered with: its 99 neighbours are read."""
    urls = _urls(100)
    emulator.sink(urls[42], code)
    async with session(max_retries=retries) as ocr:
        outcomes = await ocr.scan_many(urls)
    assert [outcome.ok for outcome in outcomes] == [url != urls[42] for url in urls]
    assert len(emulator.calls) <= 14 + 3 * retries


async def test_a_request_refused_uncharged_is_searched_without_a_retry(
    session: Sessions, emulator: Emulator
) -> None:
    """Even `max_retries=0` isolates an image for which the gateway refuses the whole request."""
    urls = _urls(100)
    emulator.sink(urls[42], "InvalidParameter.Format")
    async with session(max_retries=0) as ocr:
        outcomes = await ocr.scan_many(urls)
        assert ocr.stats.charged_again == 0
    assert [outcome.ok for outcome in outcomes] == [url != urls[42] for url in urls]


async def test_those_who_wait_are_told_when_the_key_is_refused(
    session: Sessions, emulator: Emulator
) -> None:
    """A refused key fails all that wait, each with an exception of its own, in one request."""
    async with session(credentials=_wrong(emulator)) as ocr:
        results = await asyncio.gather(*map(ocr.scan, _urls(350)), return_exceptions=True)
    assert {type(result) for result in results} == {aliocr.AuthError}
    assert len({id(result) for result in results}) == 350
    assert len(emulator.calls) == 1


async def test_a_temporary_key_is_renewed_between_requests(
    session: Sessions, emulator: Emulator
) -> None:
    """A provider is asked before every request, and an expired token gets one more try."""
    asked: list[int] = []

    async def provider() -> aliocr.Credentials:
        asked.append(len(asked))
        return emulator.credentials

    async with session(credentials=provider) as ocr:
        await ocr.scan("https://example.com/a.png")
        emulator.refuse("InvalidSecurityToken.Expired")
        await ocr.scan("https://example.com/b.png")
    assert asked == [0, 1, 2]


async def test_an_expired_token_costs_no_image_a_try(session: Sessions, emulator: Emulator) -> None:
    """It is the account's business: not even of an image that has used up its own tries."""
    urls = _urls(300)
    for url in urls[::7]:
        emulator.fail(url, 480, 1)  # one retry, and no more
    async with session(credentials=lambda: emulator.credentials, max_retries=1) as ocr:
        outcomes = []
        async for outcome in ocr.stream(urls):
            outcomes.append(outcome)
            if len(outcomes) == 100:
                emulator.refuse("InvalidSecurityToken.Expired")
    assert all(outcome.ok for outcome in outcomes)
    assert len(outcomes) == 300


async def test_a_token_that_cannot_be_renewed_ends_the_account(
    session: Sessions, emulator: Emulator
) -> None:
    """One renewal in a row is tried, and no more, however many requests are under way."""
    emulator.refuse("InvalidSecurityToken.Expired", times=None)
    async with session(credentials=lambda: emulator.credentials) as ocr:
        with pytest.raises(aliocr.AuthError, match=r"InvalidSecurityToken\.Expired"):
            await ocr.scan_many(_urls(300))
    assert len(emulator.calls) <= 6


async def test_a_provider_that_fails_is_an_auth_error(
    session: Sessions, emulator: Emulator
) -> None:
    """Nothing is sent; the provider's own exception is the cause."""

    def provider() -> aliocr.Credentials:
        raise OSError("no metadata service")

    async with session(credentials=provider) as ocr:
        with pytest.raises(aliocr.AuthError, match="provider raised OSError") as caught:
            await ocr.scan("https://example.com/a.png")
    assert isinstance(caught.value.__cause__, OSError)
    assert emulator.calls == []


async def test_a_wrong_clock_is_set_by_the_services(
    session: Sessions, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine an hour slow signs an expired date once; the answer tells the time."""
    now = aliocr.protocol.transport.time.time  # type: ignore[attr-defined]
    slow = type("Slow", (), {"time": staticmethod(lambda: now() - 3600)})
    monkeypatch.setattr("aliocr.protocol.transport.time", slow)
    async with session() as ocr:
        assert (await ocr.scan("https://example.com/a.png")).ok
        assert (await ocr.scan("https://example.com/b.png")).ok
    assert [call.code for call in emulator.calls] == ["InvalidTimeStamp.Expired", 200, 200]


async def test_a_limiter_that_fails_is_heard_of(session: Sessions, emulator: Emulator) -> None:
    """Whoever waits gets the limiter's exception as the cause, and nothing is sent."""

    class Broken:
        async def acquire(self) -> None:
            raise ConnectionError("no quota server")

    async with session(limiter=Broken()) as ocr:
        with pytest.raises(aliocr.OCRError, match="the limiter raised ConnectionError"):
            await ocr.scan("https://example.com/a.png")
        outcomes = await ocr.scan_many(_urls(500))
        streamed = [outcome async for outcome in ocr.stream(_urls(500))]
    assert [outcome.ok for outcome in outcomes + streamed] == [False] * 1000
    assert emulator.calls == []


async def test_a_provider_that_fails_once_fails_nobody(
    session: Sessions, emulator: Emulator
) -> None:
    """Not those who wait with the images that it was asked for, by whatever method."""
    asked = 0

    async def provider() -> aliocr.Credentials:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)
        if asked % 2:
            raise OSError("no metadata service")
        return emulator.credentials

    async def streamed() -> list[aliocr.Outcome]:
        return [outcome async for outcome in ocr.stream(_urls(500))]

    async with session(credentials=provider) as ocr:
        scans, many, stream = await asyncio.gather(
            asyncio.gather(*map(ocr.scan, _urls(50))), ocr.scan_many(_urls(300)), streamed()
        )
    assert all(outcome.ok for outcome in [*scans, *many, *stream])


@pytest.mark.parametrize("gives", [None, "key", ("id", "secret"), {}], ids=repr)
async def test_a_provider_that_gives_no_credentials_is_an_auth_error(
    session: Sessions, emulator: Emulator, gives: object
) -> None:
    """It says what came instead, from every verb, and nothing is sent."""
    async with session(credentials=lambda: gives) as ocr:
        with pytest.raises(aliocr.AuthError, match=f"gave {type(gives).__name__}, not Credentials"):
            await ocr.scan_many(_urls(3))
    assert emulator.calls == []


async def test_a_provider_that_is_cancelled_leaves_nobody_waiting(session: Sessions) -> None:
    """A shared refresh that somebody cancelled is a failure of the provider."""

    async def provider() -> aliocr.Credentials:
        raise asyncio.CancelledError

    async with session(credentials=provider) as ocr:
        with pytest.raises(aliocr.AuthError, match="provider was cancelled"):
            await ocr.scan("https://example.com/a.png")


async def test_sessions_with_one_provider_are_one_account(
    session: Sessions, emulator: Emulator
) -> None:
    """A bound method is a new object every time, and still the same provider."""

    class Vault:
        def get(self) -> aliocr.Credentials:
            return emulator.credentials

    vault = Vault()
    for url in _urls(25):
        async with session(credentials=vault.get) as ocr:
            await ocr.scan(url)
    assert all(call.status == 200 for call in emulator.calls)


async def test_no_error_holds_the_signed_headers_or_a_token() -> None:
    """Neither the message, nor what the exception drags along."""
    temporary = aliocr.Credentials("id", "s3cret", "t0ken")
    errors = []
    async with Emulator(credentials=temporary) as emulator:
        emulator.truncate_body()
        emulator.drop_connection()
        for endpoint in (emulator.url, emulator.url, "http://127.0.0.1:1"):
            async with Session(credentials=temporary, endpoint=endpoint, max_retries=0) as ocr:
                (outcome,) = await ocr.scan_many(_urls(1))
                assert not outcome.ok
                errors.append(outcome.error)
        wrong = aliocr.Credentials("id", "wr0ng", "t0ken")
        async with Session(credentials=wrong, endpoint=emulator.url) as ocr:
            with pytest.raises(aliocr.AuthError) as caught:
                await ocr.scan_many(_urls(1))
            errors.append(caught.value)
    for error in errors:
        assert error.__cause__ is None
        assert error.__context__ is None
        assert "t0ken" not in repr(vars(error)) + str(error)


# --- arguments ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"endpoint": "green.cn-shanghai.aliyuncs.com"}, "endpoint must be"),
        ({"endpoint": "https://example.com/green/image/scan"}, "without a path"),
        ({"endpoint": "https://example.com:99999"}, "endpoint"),
        ({"endpoint": "http://[::1"}, "endpoint must be"),
        ({"endpoint": "https://user:pass@example.com"}, "'https://…@example.com'"),
        ({"endpoint": "https://:pass@example.com"}, "'https://…@example.com'"),
        ({"endpoint": "https://example.com?token=x"}, r"'https://example.com\?…'"),
        ({"endpoint": "https://exam ple.com"}, "endpoint must be"),
        ({"endpoint": "https://a..b"}, "endpoint must be"),
        ({"endpoint": None, "region": "Shanghai!"}, "'Shanghai!'; did you mean 'cn-shanghai'"),
        ({"endpoint": None, "region": "shanghai"}, "'shanghai'; did you mean 'cn-shanghai'"),
        ({"endpoint": None, "region": "cn_beijing"}, "did you mean 'cn-beijing'"),
        ({"endpoint": None, "region": "Singapore"}, "did you mean 'ap-southeast-1'"),
        ({"endpoint": None, "region": "cn-"}, "such as cn-shanghai, not 'cn-'"),
        ({"endpoint": None, "region": ""}, "such as cn-shanghai, not ''$"),
        (
            {"endpoint": None, "region": "us-east-1"},
            "'us-east-1' has no image OCR, as cn-shanghai,",
        ),
        ({"endpoint": None, "region": None}, "such as cn-shanghai, not None$"),
        ({"timeout": 0}, "timeout must be .*, not 0"),
        ({"timeout": "7"}, "timeout must be .*, not '7'"),
        ({"max_retries": -1}, "max_retries must be .*, not -1"),
        ({"max_retries": 1.5}, "max_retries must be .*, not 1.5"),
        ({"biz_type": ""}, "biz_type must be .*, not ''"),
        ({"biz_type": "\udcff"}, "biz_type must be"),
        ({"limits": 10}, "limits must be .*, not 10"),
        ({"limiter": object()}, "limiter must be"),
        ({"http": "http://proxy"}, "http must be"),
        ({"vpc": "yes"}, "vpc must be True or False, not 'yes'"),
        ({"tls": "ca.pem"}, r"tls must be .*create_default_context\(\).*, not 'ca.pem'"),
        ({"tls": ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)}, "tls must be .* for clients"),
        ({"credentials": "key"}, "credentials must be .*, not <class 'str'>"),
        ({"credentials": aliocr.Credentials}, "credentials must be .*, not <class"),
        ({"timeout": 10**400}, "timeout must be"),
        ({"throttle_timeout": 0}, "throttle_timeout must be .*, not 0"),
        ({"patience": 0}, "patience must be .*, not 0"),
        ({"max_waiting": 0}, "max_waiting must be .*, not 0"),
        ({"repeat_budget": -1}, "repeat_budget must be .*, not -1"),
    ],
)
async def test_an_argument_that_cannot_be_is_refused_at_once(
    session: Sessions, options: dict[str, object], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is opened, with the name, the value and what is expected."""
    monkeypatch.delenv("ALIOCR_ENDPOINT", raising=False)
    with pytest.raises(ValueError, match=says):
        session(**options)


@pytest.mark.parametrize("region", [*REGIONS.values(), "cn-hangzhou", "us-west-1", "xx-new-9"])
async def test_any_other_region_has_an_address(
    session: Sessions, region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Public or inside of the cloud; one that is not known may have been opened since."""
    monkeypatch.delenv("ALIOCR_ENDPOINT", raising=False)
    public, inside = (session(endpoint=None, region=region, vpc=vpc) for vpc in (False, True))
    assert repr(public) == f"<Session https://green.{region}.aliyuncs.com>"
    assert repr(inside) == f"<Session https://green-vpc.{region}.aliyuncs.com>"


async def test_a_missing_key_says_which_variables_to_set(
    session: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without credentials the environment is read, and named."""
    monkeypatch.delenv("ALIBABA_CLOUD_ACCESS_KEY_ID", raising=False)
    with pytest.raises(ValueError, match="ALIBABA_CLOUD_ACCESS_KEY_ID"):
        session(credentials=None)


async def test_the_environment_names_the_endpoint(
    session: Sessions, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code that opens its own `Session()` goes where `ALIOCR_ENDPOINT` points, whatever its region.

    The emulator of a test is such a place.
    """
    monkeypatch.setenv("ALIOCR_ENDPOINT", emulator.url)
    async with session(endpoint=None, region="ap-southeast-1") as ocr:
        assert (await ocr.scan("https://example.com/a.png")).text
    assert len(emulator.calls) == 1


async def test_an_endpoint_in_the_code_beats_the_environments(
    session: Sessions, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is passed is meant; the variable is not even looked at."""
    monkeypatch.setenv("ALIOCR_ENDPOINT", "nowhere")
    async with session(endpoint=emulator.url) as ocr:
        assert (await ocr.scan("https://example.com/a.png")).text


@pytest.mark.parametrize(
    "region",
    ["cn-shanghai", "ap-southeast-1", "cn-beijing-finance-1", "cn-north-2-gov-1", "rus-west-1"],
)
async def test_a_region_of_the_right_form_is_taken(
    session: Sessions, region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known or not: the service may come to more places."""
    monkeypatch.delenv("ALIOCR_ENDPOINT", raising=False)
    ocr = session(endpoint=None, region=region)
    assert repr(ocr) == f"<Session https://green.{region}.aliyuncs.com>"


@pytest.mark.parametrize("value", [None, ""])
async def test_without_an_endpoint_the_region_says_where(
    session: Sessions, value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that is set to nothing is not set."""
    if value is None:
        monkeypatch.delenv("ALIOCR_ENDPOINT", raising=False)
    else:
        monkeypatch.setenv("ALIOCR_ENDPOINT", value)
    ocr = session(endpoint=None, region="cn-beijing")
    assert repr(ocr) == "<Session https://green.cn-beijing.aliyuncs.com>"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("127.0.0.1:8787", "ALIOCR_ENDPOINT must be http"),
        ("https://key:pass@example.com", "not 'https://…@example.com'"),
        ("http://example.com/?token=x", "not 'http://example.com/?…'"),
    ],
)
async def test_an_endpoint_of_the_environment_that_cannot_be_names_the_variable(
    session: Sessions, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who reads the message knows what to set, and reads no secret."""
    monkeypatch.setenv("ALIOCR_ENDPOINT", value)
    with pytest.raises(ValueError, match=r".") as caught:
        session(endpoint=None)
    assert says in str(caught.value)


async def test_nothing_is_sent_if_one_image_of_a_list_is_bad(
    ocr: Session, emulator: Emulator
) -> None:
    """The message names which one."""
    with pytest.raises(ValueError, match="image 2: url must start with http"):
        await ocr.scan_many([*_urls(2), "receipt.png", *_urls(2)])
    with pytest.raises(ValueError, match="url must start with http"):
        await ocr.scan("receipt.png")
    assert emulator.calls == []


@pytest.mark.parametrize("single", ["https://example.com/a.png", Image("https://example.com/a")])
async def test_one_image_where_a_list_was_meant_is_refused(
    ocr: Session, emulator: Emulator, single: str
) -> None:
    """A string is iterable, letter by letter; that is never what was meant."""
    for other in (None, 5):
        with pytest.raises(ValueError, match="images must be a list"):
            await ocr.scan_many(other)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="use scan"):
        await ocr.scan_many(single)
    with pytest.raises(ValueError, match="images must be a list"):
        await anext(ocr.stream(single))
    assert emulator.calls == []


async def test_an_empty_list_is_an_empty_result(ocr: Session, emulator: Emulator) -> None:
    """And no request."""
    assert await ocr.scan_many([]) == []
    assert [outcome async for outcome in ocr.stream([])] == []
    assert emulator.calls == []


async def test_the_same_data_id_twice_travels_in_two_requests(
    ocr: Session, emulator: Emulator
) -> None:
    """The service wants them unique in a request; a list may still hold them."""
    images = [Image(url, "same") for url in _urls(3)]
    outcomes = await ocr.scan_many([*images, *_urls(3)])
    assert [outcome.image for outcome in outcomes[:3]] == images
    assert all(outcome.ok for outcome in outcomes)
    assert _sizes(emulator) == [4, 1, 1]


async def test_frames_and_policy_reach_the_service(session: Sessions, emulator: Emulator) -> None:
    """Step and number of frames travel as they were given, the data id with a tag."""
    async with session(biz_type="shop") as ocr:
        await ocr.scan(Image("https://example.com/a.gif", "mine", interval=2, max_frames=9))
    (task,) = emulator.calls[0].tasks
    assert (task.interval, task.max_frames) == (2, 9)
    assert (task.data_id or "").startswith("mine-")
    assert emulator.calls[0].biz_type == "shop"


# --- streams --------------------------------------------------------------------------------------


async def test_a_stream_holds_back_its_source(ocr: Session, emulator: Emulator) -> None:
    """A million images are drawn on only as fast as outcomes are used."""
    drawn = 0

    def source() -> Iterator[str]:
        nonlocal drawn
        for drawn in range(1, 1_000_001):
            yield f"https://example.com/{drawn}.png"

    async with aclosing(ocr.stream(source())) as stream:
        await anext(stream)
        await asyncio.sleep(60)
        assert drawn <= 1500
        for _ in range(500):
            await anext(stream)
        await asyncio.sleep(60)
        assert drawn <= 2000
    sent = sum(_sizes(emulator))
    await asyncio.sleep(60)
    assert sum(_sizes(emulator)) == sent


async def test_a_stream_takes_an_asynchronous_source(ocr: Session, emulator: Emulator) -> None:
    """What trickles in is sent as it comes, and is not waited for in batches."""

    async def source() -> AsyncIterator[str]:
        for url in _urls(5):
            await asyncio.sleep(1)
            yield url

    loop = asyncio.get_running_loop()
    start = loop.time()
    times = [loop.time() - start async for _ in ocr.stream(source())]
    assert [round(time) for time in times] == [1, 2, 3, 4, 5]
    assert _sizes(emulator) == [1] * 5


async def test_a_source_that_fails_loses_no_outcome(ocr: Session) -> None:
    """First everything that was sent, then the source's own exception."""

    def source() -> Iterator[str]:
        yield from _urls(3)
        raise OSError("disk gone")

    async def read(images: Iterable[str], seen: list[str]) -> None:
        async for outcome in ocr.stream(images):
            seen.append(outcome.image.url)  # noqa: PERF401 - it raises

    seen: list[str] = []
    with pytest.raises(OSError, match="disk gone"):
        await read(source(), seen)
    assert sorted(seen) == _urls(3)
    seen.clear()
    with pytest.raises(ValueError, match="image 3: url must start with http"):
        await read([*_urls(3), "receipt.png", *_urls(3)], seen)
    assert sorted(seen) == _urls(3)


async def test_a_generator_is_closed_with_its_stream(ocr: Session) -> None:
    """Its `finally`, which holds a cursor or a file, runs when the stream ends, and not later."""
    closed: list[str] = []

    def plain() -> Iterator[str]:
        try:
            yield from _urls(100_000)
        finally:
            closed.append("plain")

    async def awaited() -> AsyncIterator[str]:
        try:
            for url in _urls(100_000):
                yield url
        finally:
            await asyncio.sleep(0)
            closed.append("awaited")

    for source in (plain(), awaited()):
        async with aclosing(ocr.stream(source)) as stream:
            async for _ in stream:
                break
    assert closed == ["plain", "awaited"]


async def test_a_source_that_is_cancelled_is_not_taken_for_whole(ocr: Session) -> None:
    """What came so far, and then an error: the rest is missing."""

    async def source() -> AsyncIterator[str]:
        for url in _urls(5):
            yield url
        raise asyncio.CancelledError

    stream = ocr.stream(source())
    for _ in range(5):
        assert (await anext(stream)).ok
    with pytest.raises(aliocr.OCRError, match="the source raised CancelledError"):
        await anext(stream)


async def test_a_stream_holds_no_more_than_can_be_under_way(session: Sessions) -> None:
    """Whatever the limiter allows: if nothing is answered, the source is held back."""

    class Free:
        async def acquire(self) -> None:
            pass

    drawn = 0

    def source() -> Iterator[str]:
        nonlocal drawn
        for drawn in range(1, 100_001):
            yield f"https://example.com/{drawn}.png"

    limits = aliocr.Limits(images_per_request=2)
    async with session(limits=limits, limiter=Free(), endpoint="http://127.0.0.1:1") as ocr:
        async with aclosing(ocr.stream(source())) as stream:
            await anext(stream)
        assert drawn <= 2 * 110


# --- what the account allows ----------------------------------------------------------------------


async def test_a_new_account_reads_ten_images_a_second() -> None:
    """Nobody told the session: what is over the quota waits, and every image is read."""
    async with (
        Emulator(images_per_second=10, images_in_flight=50) as emulator,
        Session(credentials=emulator.credentials, endpoint=emulator.url) as ocr,
    ):
        emulator.delay(0.2)
        outcomes = await ocr.scan_many(_urls(300))
        assert all(outcome.ok for outcome in outcomes)
        took = emulator.calls[-1].arrived - emulator.calls[0].arrived
        assert 30 < took < 40  # a newcomer begins with half of what it sees
        assert ocr.stats.retried == ocr.stats.charged_again == 0
        assert ocr.stats.outcomes == {"Scan": 300}
        assert ocr.stats.images_sent == 300 + ocr.stats.throttled


async def test_a_scan_may_have_a_timeout_of_its_own(ocr: Session, emulator: Emulator) -> None:
    """All of it counts, and the image is not sent once it is too late for an answer."""
    emulator.delay(0.5)
    await ocr.scan("https://example.com/a.png")
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(aliocr.ScanTimeoutError, match=r"0\.2 s given to this scan|not sent"):
        await ocr.scan("https://example.com/b.png", timeout=0.2)
    assert loop.time() - began <= 0.201
    assert len(emulator.calls) == 1
    emulator.hang()
    with pytest.raises(aliocr.ScanTimeoutError) as caught:
        await ocr.scan("https://example.com/c.png", timeout=1.5)
    assert caught.value.maybe_charged
    with pytest.raises(ValueError, match=r"timeout must be .*, not -1"):
        await ocr.scan("https://example.com/c.png", timeout=-1)


async def test_overload_is_an_error_at_once(session: Sessions, emulator: Emulator) -> None:
    """For those who come too late; a stream waits instead."""
    emulator.delay(1.0)
    async with session(max_waiting=50) as ocr:
        scans = [asyncio.create_task(ocr.scan(url)) for url in _urls(200)]
        await asyncio.sleep(0)
        with pytest.raises(aliocr.OverloadError, match="max_waiting is 50"):
            await ocr.scan_many(_urls(3))
        results = await asyncio.gather(*scans, return_exceptions=True)
        assert sum(isinstance(result, aliocr.Scan) for result in results) == 50
        assert sum(isinstance(result, aliocr.OverloadError) for result in results) == 150
        streamed = [outcome async for outcome in ocr.stream(_urls(500))]
        assert all(outcome.ok for outcome in streamed)


# --- cancellation and ends ------------------------------------------------------------------------


async def test_leaving_a_stream_leaves_nothing_behind(ocr: Session, emulator: Emulator) -> None:
    """After `break`, what waited is not sent and no task runs."""
    emulator.delay(0.3)
    tasks = asyncio.all_tasks()
    async for _ in ocr.stream(_urls(100_000)):
        break
    await asyncio.sleep(0.31)  # requests that had left come home
    sent = sum(_sizes(emulator))
    await asyncio.sleep(10)
    assert sum(_sizes(emulator)) == sent <= 600
    assert {task for task in asyncio.all_tasks() - tasks if "aliocr" in task.get_name()} == set()


async def test_a_cancelled_scan_that_waits_is_never_sent(ocr: Session, emulator: Emulator) -> None:
    """It leaves the queue and costs nothing; cancellation is not swallowed."""
    await ocr.scan("https://example.com/first.png")
    waiting = [asyncio.create_task(ocr.scan(url)) for url in _urls(10)]
    await asyncio.sleep(0.01)
    for task in waiting[::2]:
        task.cancel()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results[::2])
    assert all(isinstance(result, aliocr.Scan) for result in results[1::2])
    assert [task.url for task in emulator.calls[1].tasks] == _urls(10)[1::2]


async def test_a_cancelled_scan_that_has_left_harms_no_neighbour(
    ocr: Session, emulator: Emulator
) -> None:
    """The request goes on for the others in it."""
    emulator.delay(1.0)
    tasks = [asyncio.create_task(ocr.scan(url)) for url in _urls(10)]
    await asyncio.sleep(0.5)
    tasks[3].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results.pop(3), asyncio.CancelledError)
    assert all(isinstance(result, aliocr.Scan) for result in results)
    assert _sizes(emulator) == [10]


async def test_a_caller_may_set_a_deadline_of_his_own(ocr: Session, emulator: Emulator) -> None:
    """`asyncio.timeout` around a verb is enough, retries and waiting included."""
    emulator.refuse(500, times=None)
    loop = asyncio.get_running_loop()
    start = loop.time()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await ocr.scan_many(_urls(500))
    assert loop.time() - start < 0.21
    sent = len(emulator.calls)
    await asyncio.sleep(30)
    assert len(emulator.calls) == sent


async def test_leaving_the_session_fails_those_who_still_wait(
    session: Sessions, emulator: Emulator
) -> None:
    """Each gets an outcome, and knows whether it may have been charged."""
    emulator.delay(5.0)
    async with session() as ocr:
        sent = asyncio.create_task(ocr.scan("https://example.com/a.png"))
        await asyncio.sleep(0.05)
        waiting = asyncio.create_task(ocr.scan("https://example.com/b.png"))
        many = asyncio.create_task(ocr.scan_many(_urls(1000)))
        await asyncio.sleep(0.01)
    for scan, maybe_charged in ((sent, True), (waiting, False)):
        with pytest.raises(aliocr.OCRError, match="the session was closed") as caught:
            await scan
        assert caught.value.maybe_charged == maybe_charged
    outcomes = await many
    assert len(outcomes) == 1000
    for outcome in outcomes:
        assert not outcome.ok
        assert "the session was closed" in str(outcome.error)


async def test_a_session_is_used_only_while_it_is_open(session: Sessions) -> None:
    """Before and after, every verb says so."""
    ocr = session()
    with pytest.raises(RuntimeError, match="open the session first"):
        await ocr.scan("https://example.com/a.png")
    async with ocr:
        pass
    with pytest.raises(RuntimeError, match="the session is closed"):
        await ocr.scan("https://example.com/a.png")
    with pytest.raises(RuntimeError, match="the session is closed"):
        await ocr.scan_many(_urls(1))
    with pytest.raises(RuntimeError, match="opened once"):
        await ocr.__aenter__()


async def test_a_client_session_of_the_users_is_used_and_left_open(
    session: Sessions, emulator: Emulator
) -> None:
    """Its headers, proxies and tracing are the user's business, and so is its end."""
    async with aiohttp.ClientSession() as http:
        async with session(http=http) as ocr:
            await ocr.scan("https://example.com/a.png")
        assert not http.closed
    assert len(emulator.calls) == 1


class _Upload:
    """Something large that a web handler holds in its frame."""


@pytest.mark.parametrize("code", [404, 596])
async def test_a_failure_keeps_no_frame_of_its_caller(
    ocr: Session, emulator: Emulator, code: int
) -> None:
    """What a handler holds is free as soon as the handler has ended, without the collector."""
    url = "https://example.com/a.png"
    emulator.fail(url, code)
    held: list[weakref.ref[_Upload]] = []

    async def one() -> None:
        upload = _Upload()
        held.append(weakref.ref(upload))
        with contextlib.suppress(aliocr.OCRError):
            await ocr.scan(url)

    async def many() -> None:
        upload = _Upload()
        held.append(weakref.ref(upload))
        with contextlib.suppress(aliocr.OCRError):
            async for _ in ocr.stream([url]):
                pass

    gc.disable()
    try:
        for _ in range(3):
            await asyncio.create_task(one())
            await asyncio.create_task(many())
        assert [ref() for ref in held] == [None] * 6
    finally:
        gc.enable()


async def test_the_numbers_count_what_callers_get(emulator: Emulator, session: Sessions) -> None:
    """A time-out of `timeout=` and an overload are outcomes, too."""
    emulator.delay(5.0)
    async with session(max_waiting=1) as ocr:
        with pytest.raises(aliocr.ScanTimeoutError):
            await ocr.scan("https://example.com/a.png", timeout=0.01)
        first = asyncio.create_task(ocr.scan("https://example.com/b.png"))
        second = asyncio.create_task(ocr.scan("https://example.com/c.png"))
        await asyncio.sleep(0)
        assert ocr.stats.waiting == 1
        first.cancel()
        found = await asyncio.gather(first, second, return_exceptions=True)
        assert isinstance(found[1], aliocr.OverloadError)
        assert ocr.stats.outcomes == {"ScanTimeoutError": 1, "OverloadError": 1}
        assert ocr.stats.waiting == 0


async def test_a_request_belongs_to_no_caller(session: Sessions, emulator: Emulator) -> None:
    """Providers and tracing see the context of the opened session, not of one of many calls."""
    caller: contextvars.ContextVar[str] = contextvars.ContextVar("caller", default="nobody")
    seen: list[str] = []

    def provider() -> aliocr.Credentials:
        seen.append(caller.get())
        caller.set("a request")
        return emulator.credentials

    async def handler(name: str) -> None:
        caller.set(name)
        await ocr.scan(f"https://example.com/{name}.png")

    caller.set("the program")
    async with session(credentials=provider) as ocr:
        for name in ("one", "two", "three"):
            await asyncio.create_task(handler(name))
        emulator.fail("https://example.com/again.png", 500, 1)
        await asyncio.create_task(handler("again"))
    assert seen == ["the program"] * 5
    assert caller.get() == "the program"


@pytest.mark.parametrize("seed", [1, 2])
async def test_nothing_that_can_be_read_is_lost_in_chaos(
    session: Sessions, emulator: Emulator, soak: bool, seed: int
) -> None:
    """Broken connections, failing requests, images that fail now and then: each is read in the end.

    15 % of the requests are dropped and 5 % answered 500; 5 % of the images are 592, 5 % are 586.
    """
    count = 10_000 if soak else 2_000
    emulator.chaos(
        seed, requests={"drop_connection": 0.15, "500": 0.05}, images={592: 0.05, 586: 0.05}
    )
    read = 0
    async with session(max_retries=8) as ocr:
        async for outcome in ocr.stream(f"https://example.com/{n}.png" for n in range(count)):
            assert outcome.ok, outcome
            read += 1
    assert read == count
