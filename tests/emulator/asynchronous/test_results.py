"""Results of submitted images are asked for."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from aliocr import Credentials, Image, Scan
from aliocr.emulator import Account, Emulator
from aliocr.protocol import signing
from aliocr.protocol.replies import decode_reply
from tests.support.asking import IMAGE, until
from tests.support.later import finished, post, results, submit, submitted

OTHER = "https://example.com/b.png"


async def test_results_are_as_of_a_scan() -> None:
    """The client decodes them with the same functions; each has the id it was asked for by."""
    async with Emulator() as emulator:
        emulator.text(IMAGE, "Total 64.50")
        emulator.fail(OTHER, 592)
        ids = await submitted(emulator, IMAGE, OTHER)
        await finished(emulator, ids)
        heard = await results(emulator, ids)
        assert emulator.calls[-1].operation == "ImageAsyncScanResults"
        assert emulator.calls[-1].task_ids == tuple(ids)
        assert (emulator.calls[-1].tasks, emulator.calls[-1].charged) == ((), 0)
    assert [item["taskId"] for item in heard.data] == ids
    assert [item["url"] for item in heard.data] == [IMAGE, OTHER]
    named = {"d0": Image(IMAGE), "d1": Image(OTHER)}
    found = dict(each for part in decode_reply(200, heard.body, named) for each in part)
    assert isinstance(found[0], Scan)
    assert (found[0].text, found[0].task_id) == ("Total 64.50", ids[0])
    assert str(getattr(found[1], "code", "")) == "592"


async def test_an_unfinished_image_is_280() -> None:
    """Without results, until the time that the script says has passed; others are not late."""
    async with Emulator() as emulator:
        emulator.delay_result(OTHER, 60, times=1)
        ids = await submitted(emulator, IMAGE, OTHER)
        await finished(emulator, ids[:1])
        unfinished = (await results(emulator, ids)).data[1]
        assert unfinished.pop("taskId") == ids[1]
        assert unfinished == {"code": 280, "msg": "PROCESSING", "dataId": "d1", "url": OTHER}
        emulator.pass_time(59)
        assert (await results(emulator, ids)).codes == [200, 280]
        emulator.pass_time(1)
        assert [item["code"] for item in await finished(emulator, ids)] == [200, 200]


@pytest.mark.parametrize("answered", [True, False])
async def test_a_result_is_kept_for_an_hour(*, answered: bool) -> None:
    """Then its id is as unknown as any other: 594, or left out."""
    async with Emulator() as emulator:
        emulator.keep_results(answer_unknown=answered)
        ids = await submitted(emulator)
        await finished(emulator, ids)
        emulator.pass_time(3590)
        assert (await results(emulator, ids)).codes == [200]
        emulator.pass_time(10)
        heard = await results(emulator, [*ids, "never@seen$"])
    told = [{"code": 594, "msg": "EXPIRED", "taskId": name} for name in (*ids, "never@seen$")]
    assert heard.data == (told if answered else [])


async def test_a_result_is_for_its_account_only() -> None:
    """Another account is told nothing."""
    keys = [Credentials("first", "secret"), Credentials("second", "secret")]
    async with Emulator(accounts=[Account(key) for key in keys]) as emulator:
        ids = await submitted(emulator)
        await finished(emulator, ids)
        assert (await results(emulator, ids, keys[1])).codes == [594]


async def test_answers_vary_as_real_ones() -> None:
    """Chinese words, no URL, another order, left out, twice, and one that is foreign."""
    async with Emulator() as emulator:
        emulator.vary_results(with_url=False, message="调用成功。")
        ids = await submitted(emulator, IMAGE, OTHER)
        data = await finished(emulator, ids)
        assert [(item["msg"], "url" in item) for item in data] == [("调用成功。", False)] * 2
        emulator.reverse()
        assert [item["taskId"] for item in (await results(emulator, ids)).data] == ids[::-1]
        assert [item["dataId"] for item in (await submit(emulator, IMAGE, OTHER)).data] == [
            "d1",
            "d0",
        ]
        emulator.reset()
        ids = await submitted(emulator, IMAGE, OTHER)
        await finished(emulator, ids)
        emulator.omit(IMAGE)
        emulator.repeat(OTHER)
        emulator.add_foreign()
        heard = (await results(emulator, ids)).data
        named = [(item["taskId"], item["code"]) for item in heard]
        assert [each for each in named if each[0] in ids] == [(ids[1], 200), (ids[1], 500)]
        assert len(named) == 3


@pytest.mark.parametrize(
    ("body", "words"), [(b'{"tasks":[]}', "malformed body"), (b"[]", "1 to 100 task ids")]
)
async def test_a_body_that_is_no_array_of_ids_is_refused(body: bytes, words: str) -> None:
    """In the envelope."""
    async with Emulator() as emulator:
        heard = await post(emulator, signing.RESULTS_PATH, body)
    assert heard.json["code"] == 400
    assert words in heard.json["msg"]


async def test_a_request_for_results_can_be_refused() -> None:
    """Faults of requests can be for one operation alone."""
    async with Emulator() as emulator:
        emulator.refuse(503, operation="ImageAsyncScanResults")
        ids = await submitted(emulator)
        assert (await results(emulator, ids)).json["code"] == 503
        assert [item["code"] for item in await finished(emulator, ids)] == [200]


async def test_replies_come_in_xml(monkeypatch: pytest.MonkeyPatch) -> None:
    """To a client that does not accept JSON."""
    monkeypatch.setattr(signing, "_JSON", "text/xml")
    async with Emulator() as emulator:
        heard = ET.fromstring((await submit(emulator)).body)  # noqa: S314 (the emulator's own)
        assert heard.tag == "ImageAsyncScanResponse"
        task_id = heard.findtext("data/taskId")
        assert task_id is not None
        await until(lambda: emulator.charged == 1)
        heard = ET.fromstring((await results(emulator, [task_id])).body)  # noqa: S314
    assert heard.tag == "ImageAsyncScanResultsResponse"
    assert heard.findtext("data/results/ocrData") == f"text of {IMAGE}"


async def test_a_reset_forgets_what_was_submitted() -> None:
    """As it forgets the calls."""
    async with Emulator() as emulator:
        ids = await submitted(emulator)
        emulator.reset()
        assert (await results(emulator, ids)).codes == [594]
