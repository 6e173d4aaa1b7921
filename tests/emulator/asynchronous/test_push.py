"""Results are pushed to the address of a callback."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl

import msgspec
import pytest

from aliocr.emulator import Emulator
from aliocr.emulator.asynchronous import later
from aliocr.protocol.callback_digest import has_digest, is_genuine
from tests.support.asking import IMAGE, until
from tests.support.later import Receiver, finished, receiving, submit, submitted

SEED = "aabbcc_123"


async def came_once_time_passes(emulator: Emulator, receiver: Receiver, number: int) -> None:
    """Let hours pass until so many callbacks have come."""
    while len(receiver.forms) < number:
        emulator.pass_time(3600)
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("crypt_type", [None, "SHA256", "SM3"])
async def test_a_result_is_pushed_with_its_checksum(crypt_type: str | None) -> None:
    """One form for each image, whose content is the element of the reply."""
    if crypt_type and not has_digest(crypt_type):
        pytest.skip("this OpenSSL has no SM3")
    fields = {} if crypt_type is None else {"cryptType": crypt_type}
    async with Emulator() as emulator, receiving() as receiver:
        emulator.text(IMAGE, "Gesamt 64,50 € 发票")
        urls = [IMAGE, "ftp://example.com/a.png"]
        heard = await submit(emulator, *urls, callback=receiver.url, seed=SEED, **fields)
        await receiver.came(1)
        (told,) = await finished(emulator, [heard.data[0]["taskId"]])
        uid = emulator.accounts[0].uid
    (form,) = receiver.forms
    assert receiver.types == ["application/x-www-form-urlencoded; charset=UTF-8"]
    assert parse_qsl(receiver.bodies[0].decode()) == list(form.items())
    assert list(form) == ["checksum", "content"]
    assert msgspec.json.decode(form["content"]) == told
    assert is_genuine(form["checksum"], uid, SEED, form["content"], crypt_type or "SHA256")
    assert not is_genuine(form["checksum"], uid, "other", form["content"], crypt_type or "SHA256")


async def test_only_200_confirms_a_push() -> None:
    """A redirect is not followed; each repeat comes after the gap, and is the same."""
    async with Emulator() as emulator, receiving(201, 307, 500) as receiver:
        await submitted(emulator, callback=receiver.url, seed=SEED)
        await receiver.came(1)
        await came_once_time_passes(emulator, receiver, 4)
        assert len(set(receiver.bodies)) == 1
        assert not receiver.redirected
        emulator.pass_time(3600)
        await submitted(emulator, "https://example.com/b.png", callback=receiver.url, seed=SEED)
        await receiver.came(5)
        assert receiver.bodies[4] not in receiver.bodies[:4]


async def test_a_push_is_given_up_after_16_repeats() -> None:
    """The result can still be asked for."""
    async with Emulator() as emulator, receiving(*[500] * 40) as receiver:
        emulator.set_callbacks(gap=0)
        ids = await submitted(emulator, callback=receiver.url, seed=SEED)
        await receiver.came(17)
        assert (await finished(emulator, ids))[0]["code"] == 200
        # A push more of the first would come before the last of these.
        await submitted(emulator, callback=receiver.url, seed="other")
        await receiver.came(34)
    assert [receiver.bodies.count(each) for each in set(receiver.bodies)] == [17, 17]


async def test_a_confirmed_push_may_come_again() -> None:
    """As often as the script says, because the service promises nothing."""
    async with Emulator() as emulator, receiving() as receiver:
        emulator.set_callbacks(gap=0, pushes=3)
        await submitted(emulator, callback=receiver.url, seed=SEED)
        await receiver.came(3)
        assert len(set(receiver.bodies)) == 1


async def test_a_callback_may_overtake_the_reply() -> None:
    """The images are read while the reply is delayed."""
    async with Emulator() as emulator, receiving() as receiver:
        emulator.delay(0.2, operation="ImageAsyncScan")
        waiting = asyncio.create_task(submitted(emulator, callback=receiver.url, seed=SEED))
        await receiver.came(1)
        assert not waiting.done()
        assert msgspec.json.decode(receiver.forms[0]["content"])["taskId"] in await waiting


async def test_a_first_push_may_be_late() -> None:
    """The result can be asked for before."""
    async with Emulator() as emulator, receiving() as receiver:
        emulator.set_callbacks(delay=60)
        await finished(emulator, await submitted(emulator, callback=receiver.url, seed=SEED))
        assert not receiver.forms
        emulator.pass_time(60)
        await receiver.came(1)


async def test_nothing_is_pushed_after_a_reset() -> None:
    """What was to be pushed is forgotten."""
    async with Emulator() as emulator, receiving() as receiver:
        emulator.set_callbacks(delay=60)
        await finished(emulator, await submitted(emulator, callback=receiver.url, seed=SEED))
        emulator.reset()
        emulator.pass_time(60)
        await submitted(emulator, callback=receiver.url, seed="other")
        await receiver.came(1)
        uid = emulator.accounts[0].uid
        form = receiver.forms[0]
        assert is_genuine(form["checksum"], uid, "other", form["content"])


async def test_nothing_is_pushed_to_an_unsafe_address(caplog: pytest.LogCaptureFixture) -> None:
    """An emulator that fetches no private images pushes to no private address either."""
    caplog.set_level("INFO", "aliocr.emulator")
    async with Emulator(private_addresses=False) as emulator, receiving() as receiver:
        await submitted(emulator, callback=f"{receiver.url}?key=secret", seed=SEED)
        await until(lambda: "push 1 of a result" in caplog.text)
        assert not receiver.forms
        assert "secret" not in caplog.text


async def test_pushes_that_are_not_confirmed_are_bounded(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A host that never answers does not fill the memory; results can still be asked for."""
    monkeypatch.setattr(later, "MAX_PUSHES", 2)
    caplog.set_level("INFO", "aliocr.emulator")
    urls = [f"{IMAGE}?{number}" for number in range(3)]
    async with Emulator() as emulator, receiving() as receiver:
        emulator.set_callbacks(delay=60)
        ids = await submitted(emulator, *urls, callback=receiver.url, seed=SEED)
        assert [item["code"] for item in await finished(emulator, ids)] == [200] * 3
        assert caplog.text.count("a result is not pushed") == 1
        emulator.pass_time(60)
        await receiver.came(2)
