"""Which sessions share a throttle, and how long it is kept."""

import asyncio
import gc
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from types import MethodType

import attrs
import pytest

from aliocr import Credentials, Limits, Session
from aliocr.credentials import CredentialsProvider
from aliocr.dispatch.registry import KEPT, throttle_of
from aliocr.dispatch.throttle import AccountThrottle

KEY = Credentials("id", "secret")


def _function() -> Credentials:
    return KEY


class _Vault:
    def __call__(self) -> Credentials:
        return KEY

    def get(self) -> Credentials:
        return KEY

    @classmethod
    def of_class(cls) -> Credentials:
        return KEY


class _SlottedVault:
    __slots__ = ()

    def __call__(self) -> Credentials:
        return KEY

    def get(self) -> Credentials:
        return KEY


@dataclass
class _Data:
    name: str = "prod"

    def __call__(self) -> Credentials:
        return KEY


@dataclass(slots=True)
class _SlottedData:
    name: str = "prod"

    def __call__(self) -> Credentials:
        return KEY


@dataclass(frozen=True)
class _Value:
    name: str = "prod"

    def __call__(self) -> Credentials:
        return KEY


@dataclass(frozen=True)
class _ValueOfList:
    names: list[str] = field(default_factory=list)

    def __call__(self) -> Credentials:
        return KEY


@attrs.define
class _Defined:
    name: str = "prod"

    def __call__(self) -> Credentials:
        return KEY


Maker = Callable[[], CredentialsProvider]

OBSERVED: dict[str, Maker] = {
    "lambda": lambda: lambda: KEY,
    "partial": lambda: partial(_function),
    "object": _Vault,
    "bound method": lambda: _Vault().get,
    "method made by hand": lambda: MethodType(_function, _Vault()),
    "data class": _Data,
    "attrs class": _Defined,
    "method of a data class": lambda: _Data().__call__,
    "coroutine function": lambda: partial(asyncio.sleep, 0, KEY),
}
"""Providers that end: nothing is left of them."""

BOUNDED: dict[str, Maker] = {
    "slots": _SlottedVault,
    "method of slots": lambda: _SlottedVault().get,
    "data class with slots": _SlottedData,
    "value with a list": _ValueOfList,
    "built-in method": lambda: iter([KEY]).__next__,
}
"""Providers of which the last are kept, because their end cannot be observed."""


def _left() -> int:
    """Number of throttles in memory."""
    gc.collect()
    return sum(isinstance(each, AccountThrottle) for each in gc.get_objects())


@pytest.mark.parametrize("make", [*OBSERVED.values(), *BOUNDED.values()], ids=[*OBSERVED, *BOUNDED])
async def test_one_provider_is_one_account(make: Maker) -> None:
    """For all sessions, also one after the other; another provider is another account."""
    provider = make()
    throttle = weakref.ref(throttle_of(provider, Limits()))
    gc.collect()
    assert throttle() is throttle_of(provider, Limits()) is not None
    assert throttle_of(make(), Limits()) is not throttle()


@pytest.mark.parametrize("make", [_Vault, _SlottedVault, _Data])
async def test_methods_of_one_object_are_one_account(make: Callable[[], _Vault]) -> None:
    """A bound method is a new object every time; another method gives another account's key."""
    vault = make()
    throttle = throttle_of(vault.__call__, Limits())
    assert throttle_of(vault.__call__, Limits()) is throttle
    if hasattr(vault, "get"):
        assert throttle_of(vault.get, Limits()) is not throttle
        assert throttle_of(vault.get, Limits()) is throttle_of(vault.get, Limits())


async def test_a_provider_that_is_a_value_is_known_by_its_value() -> None:
    """As an AccessKey ID is: one made for each session is still one account."""
    first = weakref.ref(throttle_of(_Value(), Limits()))
    gc.collect()
    assert throttle_of(_Value(), Limits()) is first()
    assert throttle_of(_Value("test"), Limits()) is not first()
    assert throttle_of(_Vault.of_class, Limits()) is throttle_of(_Vault.of_class, Limits())


@pytest.mark.parametrize("make", OBSERVED.values(), ids=OBSERVED)
async def test_a_provider_for_each_session_leaves_nothing_behind(make: Maker) -> None:
    """Hundreds of sessions that are opened and closed: no throttle is kept, and no provider."""

    async def open_and_close(count: int) -> None:
        for _ in range(count):
            async with Session(credentials=make()):
                pass

    await open_and_close(10)
    throttles, objects = _left(), len(gc.get_objects())
    await open_and_close(300)
    assert _left() == throttles
    assert len(gc.get_objects()) - objects < 100


@pytest.mark.parametrize(
    "make",
    [*BOUNDED.values(), partial(_Value, "prod"), lambda: Credentials("id", "secret")],
    ids=[*BOUNDED, "value", "key"],
)
async def test_what_cannot_be_observed_is_bounded(make: Callable[[], CredentialsProvider]) -> None:
    """The last are kept, and equal ones are one."""
    before = _left()
    for _ in range(2 * KEPT):
        async with Session(credentials=make()):
            pass
    assert _left() - before <= KEPT


async def test_a_throttle_in_use_is_never_given_up() -> None:
    """An open session keeps its account, however many come after it; a closed one does at first."""
    key = Credentials("mine", "secret")
    async with Session(credentials=key):
        kept = weakref.ref(throttle_of("mine", Limits()))
        for number in range(2 * KEPT):
            throttle_of(f"other {number}", Limits())
        gc.collect()
        assert throttle_of("mine", Limits()) is kept() is not None
    for number in range(KEPT - 1):
        throttle_of(f"other {number}", Limits())
    gc.collect()
    assert throttle_of("mine", Limits()) is kept()
    for number in range(KEPT):
        throttle_of(f"other {number}", Limits())
    gc.collect()
    assert kept() is None


def test_a_loop_that_has_ended_leaves_nothing_behind() -> None:
    """A provider of the whole program, and a key, in one `asyncio.run` after the other."""

    async def use() -> None:
        for account in (_function, "id"):
            throttle_of(account, Limits())

    before = _left()
    for _ in range(20):
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            runner.run(use())
    assert _left() - before <= 2


async def test_the_last_caller_sets_the_limits() -> None:
    """Of an account that is known, too."""
    for account in ("id", _function, _Value()):
        throttle = throttle_of(account, Limits())
        assert throttle_of(account, Limits(requests_per_second=5)) is throttle
        assert throttle.limiter.requests_per_second == 5
