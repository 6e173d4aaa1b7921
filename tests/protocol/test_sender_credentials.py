"""What may go wrong with a credentials provider, and how long it may take."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from aliocr import AuthError, Credentials
from aliocr.protocol.sender import CREDENTIALS_TIMEOUT, HttpSender
from aliocr.protocol.transport import Transport

pytestmark = pytest.mark.usefixtures("virtual_clock")

KEY = Credentials("id", "secret")


def _sender(provider: Callable[[], Any]) -> HttpSender:
    transport = Transport("http://127.0.0.1:1", timeout=1, http=None)
    return HttpSender(transport, provider, None)


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
        await _sender(provider).prepare()
    assert loop.time() - began == pytest.approx(CREDENTIALS_TIMEOUT, abs=0.01)
    assert caught.value.transient
    assert not caught.value.maybe_charged


async def test_a_provider_may_take_its_time_and_have_time_outs_of_its_own() -> None:
    """Up to the bound all is well; its own time-out is its own exception."""

    async def slow() -> Credentials:
        await asyncio.sleep(CREDENTIALS_TIMEOUT - 0.1)
        return KEY

    async def late() -> Credentials:
        async with asyncio.timeout(1):
            return await _never()

    await _sender(slow).prepare()
    with pytest.raises(AuthError, match="raised TimeoutError") as caught:
        await _sender(late).prepare()
    assert isinstance(caught.value.__cause__, TimeoutError)


async def test_whoever_waits_for_a_provider_may_be_cancelled() -> None:
    """Cancellation of the task is no failure of the provider."""
    task = asyncio.create_task(_sender(_never).prepare())
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("gives", [None, "key", ("id", "secret"), object()], ids=type)
async def test_something_else_than_credentials_is_not_tried_again(gives: object) -> None:
    """No exception, but a mistake that every call would make."""
    with pytest.raises(AuthError, match=f"gave {type(gives).__name__}, not Credentials") as caught:
        await _sender(lambda: gives).prepare()
    assert not caught.value.transient
