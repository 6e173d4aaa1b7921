"""Images are submitted: ids, refusals of single images, quotas."""

from __future__ import annotations

import re

import pytest

from aliocr import Credentials
from aliocr.emulator import Account, Emulator
from aliocr.emulator.asynchronous import later
from aliocr.emulator.asynchronous.tasks import make_task_id
from tests.support.asking import IMAGE, ask, until
from tests.support.later import finished, results, submit, submitted

URLS = [f"{IMAGE}?{number}" for number in range(3)]


async def test_submitted_images_get_ids() -> None:
    """The reply comes with an id for each image, its data id and URL, and without results."""
    async with Emulator() as emulator:
        heard = await submit(emulator, *URLS)
        ids = [item.pop("taskId") for item in heard.data]
        assert heard.json["code"] == 200
        call = emulator.calls[0]
        assert (call.operation, call.task_ids, len(call.tasks)) == ("ImageAsyncScan", tuple(ids), 3)
        await until(lambda: len(call.answers) == 3)
        assert emulator.charged == 3
        assert {image.code for image in call.images} == {200}
    assert len(set(ids)) == 3
    assert heard.json["data"] == [
        {"code": 200, "msg": "OK", "taskId": ids[place], "dataId": f"d{place}", "url": url}
        for place, url in enumerate(URLS)
    ]


def test_ids_have_characters_that_need_care() -> None:
    """As real ones: no path, file name or shell line may hold them unquoted."""
    assert re.fullmatch(r"img\w{10}@\w{5}\$\w{5}@-1\w{6}", make_task_id())
    assert make_task_id() != make_task_id()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"scenes": ["porn"]}, "scenes"),
        ({"callback": "https://example.com/cb"}, "[seed]"),
        ({"callback": "oops", "seed": "a"}, "[callback]"),
        ({"tasks": [{}]}, "malformed"),
    ],
)
async def test_a_submission_that_is_not_as_documented_is_refused(
    fields: dict[str, object], words: str
) -> None:
    """In the envelope, as a request to scan, and nothing is read."""
    async with Emulator() as emulator:
        heard = await submit(emulator, **fields)
        assert (heard.status, heard.json["code"]) == (200, 400)
        assert words in heard.json["msg"]
        assert emulator.charged == 0


async def test_sm3_is_refused_where_openssl_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, instead of a callback that never comes."""
    monkeypatch.setattr("aliocr.protocol.callback_digest.HASHES", {"SHA256": "sha256", "SM3": "no"})
    async with Emulator() as emulator:
        heard = await submit(emulator, callback=IMAGE, seed="a", cryptType="SM3")
    assert (heard.json["code"], heard.json["msg"]) == (
        400,
        "[cryptType] the emulator's OpenSSL has no SM3",
    )


async def test_an_image_that_is_not_accepted_has_no_id() -> None:
    """It has its code at once; its neighbours are accepted."""
    async with Emulator(images_in_flight=5) as emulator:
        emulator.fail_submit(URLS[1], 588, times=1)
        heard = await submit(emulator, URLS[0], URLS[1], "ftp://example.com/a.png")
        assert heard.codes == [200, 588, 400]
        assert ["taskId" in item for item in heard.data] == [True, False, False]
        assert [item["dataId"] for item in heard.data] == ["d0", "d1", "d2"]
        await until(lambda: emulator.charged == 1)
        assert len((await submit(emulator, *URLS, IMAGE, URLS[0] + "x")).data) == 5


async def test_submitted_images_count_until_they_are_read() -> None:
    """Over the quota an image gets 588; a request of which none is within it is refused."""
    async with Emulator(images_in_flight=2) as emulator:
        emulator.delay_result("*", 60)
        heard = await submit(emulator, *URLS)
        assert heard.codes == [200, 200, 588]
        assert (await submit(emulator)).json["code"] == 588
        assert (await ask(emulator)).codes == [588]  # scans count together with these
        assert (await submit(emulator, offline=True)).codes == [588]
        emulator.pass_time(60)
        ids = [item["taskId"] for item in heard.data[:2]]
        assert [item["code"] for item in await finished(emulator, ids)] == [200, 200]
        assert (await ask(emulator)).codes == [200]


async def test_no_more_wait_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a quota, too: a client that submits for ever does not fill the memory."""
    monkeypatch.setattr(later, "MAX_UNFINISHED", 2)
    async with Emulator() as emulator:
        emulator.delay_result("*", 60)
        assert (await submit(emulator, *URLS)).codes == [200, 200, 588]
        assert (await submit(emulator)).json["code"] == 588


async def test_each_operation_has_its_own_rate() -> None:
    """Results may be asked for five times as often."""
    account = Account(Credentials("id", "secret"), 1)
    async with Emulator(accounts=[account]) as emulator:
        ids = await submitted(emulator)
        assert (await submit(emulator)).json["Code"] == "Throttling.User"
        assert (await ask(emulator)).codes == [200]
        heard = [await results(emulator, ids) for _ in range(6)]
        assert [each.status for each in heard] == [200] * 5 + [400]


async def test_a_lost_reply_has_been_accepted() -> None:
    """The images are read and charged, although the client has no ids."""
    async with Emulator() as emulator:
        emulator.truncate_body(operation="ImageAsyncScan")
        with pytest.raises(Exception, match="payload is not completed"):
            await submit(emulator)
        await until(lambda: emulator.charged == 1)
        assert (await ask(emulator)).codes == [200]


async def test_brief_calls_say_what_became_of_submitted_images() -> None:
    """An emulator that runs for long forgets texts, not codes."""
    async with Emulator(brief_calls=True) as emulator:
        emulator.fail(URLS[1], 592)
        await submitted(emulator, *URLS)
        await until(lambda: None not in {image.code for image in emulator.calls[0].images})
        assert [image.code for image in emulator.calls[0].images] == [200, 592, 200]
        assert emulator.charged == 2


async def test_what_is_unfinished_at_the_stop_fails() -> None:
    """Nothing runs on, and the account's quota is as before."""
    emulator = Emulator(images_in_flight=1)
    await emulator.start()
    emulator.delay_result("*", 60, times=1)
    ids = await submitted(emulator)
    await emulator.stop()
    async with emulator:
        assert (await results(emulator, ids)).codes == [500]
        assert (await ask(emulator)).codes == [200]
