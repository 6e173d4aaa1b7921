"""What may go wrong with a credentials provider, and how long it may take."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import aliocr
from aliocr import AuthError, Credentials, Session
from aliocr.emulator import Emulator
from aliocr.keys.kept import GRACE, PROVIDER_TIMEOUT, KeptCredentials

pytestmark = pytest.mark.usefixtures("virtual_clock")

KEY = Credentials("id", "secret")
KEYS = [Credentials(f"STS.key{n}", f"secret-{n}", f"token-{n}") for n in range(5)]


def _kept(provider: Callable[[], Any]) -> KeptCredentials:
    return KeptCredentials(provider, "http://127.0.0.1:1")


async def _never() -> Credentials:
    await asyncio.Event().wait()
    return KEY


async def _stubborn() -> Credentials:
    try:
        return await _never()
    except asyncio.CancelledError:
        raise ConnectionError("gone") from None


def _shared() -> Awaitable[Credentials]:
    """A plain function that returns an awaitable."""
    return asyncio.ensure_future(_never())


@pytest.mark.parametrize("provider", [_never, _shared, _stubborn])
async def test_a_provider_that_never_returns_is_bounded(provider: Callable[[], Any]) -> None:
    """It is an error that names the bound; another try may succeed."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(AuthError, match="did not return within 10 s") as caught:
        await _kept(provider).current()
    assert loop.time() - began == pytest.approx(PROVIDER_TIMEOUT, abs=0.01)
    assert caught.value.transient
    assert not caught.value.maybe_charged


async def test_a_provider_may_take_its_time_and_have_time_outs_of_its_own() -> None:
    """Up to the bound all is well; its own time-out is its own exception."""

    async def slow() -> Credentials:
        await asyncio.sleep(PROVIDER_TIMEOUT - 0.1)
        return KEY

    async def late() -> Credentials:
        async with asyncio.timeout(1):
            return await _never()

    await _kept(slow).current()
    with pytest.raises(AuthError, match="raised TimeoutError") as caught:
        await _kept(late).current()
    assert isinstance(caught.value.__cause__, TimeoutError)


async def test_whoever_waits_for_a_provider_may_be_cancelled() -> None:
    """Cancellation of the task is no failure of the provider."""
    task = asyncio.create_task(_kept(_never).current())
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("gives", [None, "key", ("id", "secret"), object()], ids=type)
async def test_something_else_than_credentials_is_not_tried_again(gives: object) -> None:
    """No exception, but a mistake that every call would make."""
    with pytest.raises(AuthError, match=f"gave {type(gives).__name__}, not Credentials") as caught:
        await _kept(lambda: gives).current()
    assert not caught.value.transient


class Moody:
    """A provider that gives the next key with each call, unless a test decides otherwise."""

    def __init__(self) -> None:
        self.calls = 0
        self.mood = "well"
        self.free = asyncio.Event()

    async def __call__(self) -> Credentials:
        """Give a key."""
        number = self.calls
        self.calls += 1
        if self.mood == "fails":
            raise ConnectionError("gone")
        if self.mood == "cancels":
            raise asyncio.CancelledError
        if self.mood == "hangs":
            await self.free.wait()
        return KEYS[number]


@pytest.mark.parametrize("mood", ["fails", "cancels", "hangs"])
async def test_the_last_key_is_used_while_the_provider_is_in_trouble(
    mood: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It costs half a second once in ten seconds at most, and a warning once."""
    loop, moody = asyncio.get_running_loop(), Moody()
    kept = _kept(moody)
    assert await kept.current() == KEYS[0]
    moody.mood, began = mood, loop.time()
    for _ in range(100):
        assert await kept.current() == KEYS[0]
        await asyncio.sleep(1)
    assert loop.time() - began <= 100 + GRACE + 0.1
    assert moody.calls == (11 if mood == "hangs" else 101)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "secret" not in caplog.text
    moody.mood, moody.calls = "well", 1
    await asyncio.sleep(PROVIDER_TIMEOUT)
    await kept.current()
    assert await kept.current() in KEYS[1:]
    await kept.close()


async def test_a_refused_key_is_not_used_though_the_provider_is_in_trouble() -> None:
    """Then there is no key, and the failure of the provider shows."""
    moody = Moody()
    kept = _kept(moody)
    key = await kept.current()
    moody.mood = "fails"
    kept.refused(KEY)  # another key
    assert await kept.current() == key
    kept.refused(key)
    with pytest.raises(AuthError, match="raised ConnectionError"):
        await kept.current()


async def test_a_call_that_brings_a_key_refused_meanwhile_is_made_again() -> None:
    """It began before the service refused the key."""
    free, found = asyncio.Event(), [KEYS[0], KEYS[0], KEYS[1]]

    async def provider() -> Credentials:
        if len(found) < 3:
            await free.wait()
        return found.pop(0)

    kept = _kept(provider)
    assert await kept.current() == KEYS[0]
    assert await kept.current() == KEYS[0]  # after half a second
    kept.refused(KEYS[0])
    waiting = asyncio.create_task(kept.current())
    await asyncio.sleep(0)
    free.set()
    assert await waiting == KEYS[1]


async def test_a_session_takes_its_call_with_it(emulator: Emulator) -> None:
    """Also one that does not end when it is cancelled; nothing is left on the loop."""
    stopped = asyncio.Event()

    async def provider() -> Credentials:
        try:
            return await _never()
        except asyncio.CancelledError:
            await stopped.wait()
            raise

    async with Session(credentials=provider, endpoint=emulator.url) as ocr:
        scan = asyncio.create_task(ocr.scan("https://example.com/a.png"))
        await asyncio.sleep(1)
    with pytest.raises(aliocr.OCRError, match="closed"):
        await scan
    (left,) = [each for each in asyncio.all_tasks() if each.get_name() == "aliocr key"]
    stopped.set()
    await asyncio.wait([left])


# --- where a token may go -------------------------------------------------------------------------

EXPOSED = ["http://example.com", "http://10.0.0.1:8080", "http://[fe80::1]", "http://localhost.org"]
SAFE = [
    *("https://example.com", "http://127.0.0.1:8787", "http://127.9.9.9", "http://[::1]:80"),
    *("http://localhost:8787", "http://ocr.localhost"),
]


@pytest.mark.parametrize("endpoint", EXPOSED)
async def test_a_token_is_not_sent_where_others_can_read_it(endpoint: str) -> None:
    """It says so, and what to do, before anything is sent; a permanent key has no token."""
    says = f"a security token is not sent to {endpoint}.*https://".replace("[", r"\[")
    with pytest.raises(ValueError, match=says) as refused:
        Session(credentials=KEYS[0], endpoint=endpoint)
    assert "token-0" not in str(refused.value)
    async with Session(credentials=lambda: KEYS[0], endpoint=endpoint) as ocr:
        with pytest.raises(AuthError, match=says) as caught:
            await ocr.scan("https://example.com/a.png")
    assert not caught.value.transient
    assert ocr.stats.requests == 0
    Session(credentials=KEY, endpoint=endpoint)


@pytest.mark.parametrize("endpoint", SAFE)
def test_a_token_goes_to_https_and_to_this_machine(endpoint: str) -> None:
    """As with an emulator."""
    Session(credentials=KEYS[0], endpoint=endpoint)
