"""Keys of a blocking provider: renewed in time, by one call for all, while the old key is used."""

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from typing import Any

import pytest

from aliocr import Credentials, Limits, Session
from aliocr.dispatch.registry import throttle_of
from aliocr.keys import vendor
from aliocr.keys.source import account_of, source_of
from aliocr.keys.vendor import CredentialsError, VendorProvider


class VendorKey:
    """What a provider of the vendor returns, by its getters."""

    def __init__(self, name: str, expiration: float | None = None) -> None:
        self._name = name
        self._expiration = expiration

    def get_access_key_id(self) -> str:
        """Id."""
        return self._name

    def get_access_key_secret(self) -> str:
        """Secret."""
        return "secret"

    def get_security_token(self) -> str:
        """Token."""
        return "token"

    def get_expiration(self) -> float | None:
        """End, in seconds since the epoch."""
        return self._expiration


class Clock:
    """The time of the module under test; it passes only when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """In place of the module."""
        return self.now

    def time(self) -> float:
        """In place of the module."""
        return 1_700_000_000 + self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the module, in the hand of the test."""
    found = Clock()
    monkeypatch.setattr(vendor, "time", found)
    return found


class Source:
    """A blocking source that counts its calls; each key is called after the number of its call."""

    def __init__(self, clock: Clock, life: float | None = None) -> None:
        self._clock = clock
        self._life = life
        self.calls = 0
        self.fails = False
        self.free = threading.Event()
        self.free.set()

    def __call__(self) -> VendorKey:
        """Fetch a key."""
        self.calls += 1
        number = self.calls
        assert self.free.wait(20)
        if self.fails:
            raise ConnectionError("no answer")
        return VendorKey(
            f"key-{number}", None if self._life is None else self._clock.time() + self._life
        )


async def settled(provider: VendorProvider) -> None:
    """Wait until the call that is under way has ended."""
    assert provider._call is not None
    await asyncio.wait([asyncio.wrap_future(provider._call)])


async def test_a_thousand_callers_share_one_call(clock: Clock) -> None:
    """The first key is fetched once."""
    source = Source(clock)
    provider = VendorProvider(source)
    found = await asyncio.gather(*(provider() for _ in range(1000)))
    assert set(found) == {Credentials("key-1", "secret", "token")}
    assert source.calls == 1


async def test_a_known_key_is_used_while_it_is_renewed(clock: Clock) -> None:
    """Nobody waits for the call, and there is one only."""
    source = Source(clock, life=100)
    provider = VendorProvider(source)
    await provider()
    source.free.clear()
    clock.now += 61
    assert {(await provider()).access_key_id for _ in range(9)} == {"key-1"}
    source.free.set()
    await settled(provider)
    assert (await provider()).access_key_id == "key-2"
    assert source.calls == 2


async def test_a_short_key_is_renewed_after_four_fifths_of_its_life(clock: Clock) -> None:
    """Ahead of its end, also if it lives for less than a minute."""
    source = Source(clock, life=10)
    provider = VendorProvider(source)
    await provider()
    clock.now += 7.9
    await provider()
    assert source.calls == 1
    clock.now += 0.2
    await provider()
    await settled(provider)
    assert source.calls == 2


async def test_failures_are_survived_while_the_key_is_valid(clock: Clock) -> None:
    """The provider is asked less and less often; after the end of the key, once a second."""
    source = Source(clock, life=3600)
    provider = VendorProvider(source)
    await provider()
    source.fails = True
    for _ in range(20):
        clock.now += 100
        assert (await provider()).access_key_id == "key-1"
        await settled(provider)
    assert 3 <= source.calls <= 12  # the pauses between the calls double
    clock.now += 3600
    calls = source.calls
    for _ in range(3):
        with pytest.raises(CredentialsError, match="no answer"):
            await provider()
    assert source.calls == calls + 1
    source.fails = False
    clock.now += 1
    assert (await provider()).access_key_id == f"key-{source.calls}"


async def test_a_hanging_call_is_survived_and_another_is_made_beside_it(clock: Clock) -> None:
    """After ten seconds: the first may hang for ever."""
    source = Source(clock, life=3600)
    provider = VendorProvider(source)
    await provider()
    source.free.clear()
    clock.now += 61
    for _ in range(3):
        assert (await provider()).access_key_id == "key-1"
    assert source.calls == 2
    clock.now += 11
    assert (await provider()).access_key_id == "key-1"
    assert source.calls == 3
    source.free.set()
    await settled(provider)


async def test_a_caller_that_leaves_takes_nothing_from_the_others(clock: Clock) -> None:
    """The call belongs to nobody."""
    source = Source(clock)
    source.free.clear()
    provider = VendorProvider(source)
    leaves, stays = asyncio.create_task(provider()), asyncio.create_task(provider())
    await asyncio.sleep(0)
    leaves.cancel()
    source.free.set()
    assert (await stays).access_key_id == "key-1"
    assert source.calls == 1


async def test_a_refused_key_is_not_used_again(clock: Clock) -> None:
    """Even if its end is not known."""
    source = Source(clock)
    provider = VendorProvider(source)
    first = await provider()
    provider.refused(first)
    assert (await provider()).access_key_id == "key-2"
    provider.refused(first)  # a late refusal of the old key
    assert (await provider()).access_key_id == "key-2"


def test_a_provider_serves_one_loop_after_the_other(clock: Clock) -> None:
    """The key is kept for the process."""
    source = Source(clock)
    provider = VendorProvider(source)
    for _ in range(3):
        assert asyncio.run(_call(provider)).access_key_id == "key-1"


async def _call(provider: VendorProvider) -> Credentials:
    return await provider()


def test_a_program_ends_although_a_call_hangs() -> None:
    """Its thread is not waited for."""
    program = """
import asyncio, threading
from aliocr.keys import vendor
from aliocr.keys.vendor import CredentialsError, VendorProvider

async def main():
    try:
        async with asyncio.timeout(0.2):
            await VendorProvider(threading.Event().wait)()
    except TimeoutError:
        print("left")

asyncio.run(main())
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout == "left\n"


async def test_a_bearer_token_is_refused_with_the_reason(clock: Clock) -> None:
    """The vendor has credentials that are not keys."""

    class Bearer:
        access_key_id = access_key_secret = None

    with pytest.raises(CredentialsError, match="Bearer without an AccessKey; only a key can sign"):
        await VendorProvider(Bearer)()


async def test_a_refused_key_that_the_source_still_holds_is_forgotten_there(clock: Clock) -> None:
    """A call that runs meanwhile does not bring it back, and counts as the refresh."""
    source, held = Source(clock), [VendorKey("old")]
    free = threading.Event()
    free.set()

    def fetch() -> VendorKey:
        assert free.wait(20)
        return held[0] if held else source()

    provider = VendorProvider(fetch, held.clear)
    first = await provider()
    free.clear()
    clock.now += 61
    assert await provider() == first
    provider.refused(first)
    waiting = asyncio.create_task(provider())
    await asyncio.sleep(0)
    free.set()
    assert (await waiting).access_key_id == "key-1"
    assert (await provider()).access_key_id == "key-1"
    assert source.calls == 1


async def test_a_source_that_has_only_the_refused_key_gives_it(clock: Clock) -> None:
    """The service decides again; each request asks the source again."""
    keys = ["only"]
    provider = VendorProvider(lambda: VendorKey(keys[0]))
    first = await provider()
    provider.refused(first)
    assert await provider() == first
    keys[0] = "mended"
    assert (await provider()).access_key_id == "mended"


class Given:
    """What a caller gives; without a hash."""

    __hash__ = None  # type: ignore[assignment]

    def get_credentials(self) -> VendorKey:
        """Fetch a key."""
        return VendorKey("given")


async def test_an_object_has_one_provider_and_one_account_as_long_as_it_lives() -> None:
    """For all sessions; nothing is left of it after the last one."""
    given = Given()
    assert VendorProvider.of(given) is not VendorProvider.of(Given())
    provider = VendorProvider.of(given)
    assert provider is VendorProvider.of(given)
    sessions = [Session(credentials=given) for _ in range(2)]
    for session in sessions:
        async with session:
            pass
    throttle = weakref.ref(throttle_of(account_of(source_of(given)), Limits()))
    gc.collect()
    assert throttle() is throttle_of(account_of(source_of(given)), Limits()) is not None
    gone = weakref.ref(given)
    del given, provider, sessions, session
    gc.collect()
    assert gone() is None
    assert throttle() is None


@pytest.mark.parametrize("given", [object(), "Chain", "LTAI-secret", Given, b"chain", 7])
def test_something_else_is_refused_without_its_value(given: Any) -> None:
    """It may be the secret."""
    with pytest.raises(ValueError, match=r"credentials must be .*\"chain\".*, not <") as caught:
        Session(credentials=given)
    assert "LTAI" not in str(caught.value)
