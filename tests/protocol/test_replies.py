"""Replies, part by part; and regions, which are read when they are first asked for."""

import asyncio
import copy
import gc
import json
import pickle
import tracemalloc
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest

from aliocr import Failure, Frame, Image, OCRError, Region, Scan
from aliocr.dispatch.batcher import Batcher
from aliocr.errors import api_error
from aliocr.protocol import replies, wire
from tests.support.model import Asker, Character, ModelService, batcher_of

REGION = {"text": "text", "x": 1, "y": 2.5, "w": 3, "h": 4}
READ = Region("text", 1.0, 2.5, 3.0, 4.0)


def _image(number: int) -> Image:
    return Image(f"https://example.com/{number}.png")


def _answer(name: str, regions: object = (REGION,), **fields: object) -> dict[str, object]:
    """An answer with text and with regions, which are JSON already or become it."""
    result = {"scene": "ocr", "label": "ocr", "ocrData": ["text"], "ocrLocations": regions}
    return {"code": 200, "dataId": name, "results": [result | fields]}


def _body(*answers: object) -> bytes:
    return json.dumps({"code": 200, "requestId": "R-1", "data": answers}).encode()


def _scan(body: bytes) -> Scan:
    """The scan of the one image of a reply."""
    found = [
        answer for part in replies.decode_reply(200, body, {"a": _image(0)}) for answer in part
    ]
    assert len(found) == 1
    assert isinstance(found[0][1], Scan)
    return found[0][1]


# --- regions --------------------------------------------------------------------------------------

EAGER = Scan(
    _image(0),
    "text",
    (READ,),
    (Frame("text", (READ,)),),
    label="ocr",
    request_id="R-1",
)


def _unread() -> Scan:
    """A scan of which nobody has asked for the regions, equal to `EAGER`."""
    return _scan(_body(_answer("a", frames=[{"ocrData": ["text"], "ocrLocations": [REGION]}])))


@pytest.mark.parametrize(("query", "told"), [("?a=1&amp;b=2", True), ("?a=1&b=2", False)])
def test_an_error_tells_of_an_ampersand_out_of_html(query: str, told: bool) -> None:
    """A URL that was copied out of a page names another parameter than was meant."""
    image = Image(f"https://example.com/a.png{query}")
    body = _body({"code": 404, "dataId": "a", "msg": "lost"})
    ((_, error),) = next(iter(replies.decode_reply(200, body, {"a": image})))
    assert isinstance(error, OCRError)
    assert ("404 lost" in str(error), "holds &amp;" in str(error)) == (True, told)


def test_regions_that_are_read_late_are_like_any_others() -> None:
    """A tuple of regions, the same one at each look, in a scan that equals one made by hand."""
    scan = _unread()
    assert type(scan.regions) is tuple
    assert scan.regions is scan.regions
    assert scan.regions == scan.frames[0].regions == (READ,)
    assert _unread() == EAGER
    assert hash(_unread()) == hash(EAGER)
    assert repr(_unread()) == repr(EAGER)
    assert {_unread()} == {EAGER}


@pytest.mark.parametrize("scene", ["ocr", None, "porn"])
def test_the_verdict_of_another_scene_is_not_that_of_the_text(scene: str | None) -> None:
    """The text was paid for and is kept; whether it needs review, nobody has said."""
    scan = _scan(_body(_answer("a", label="normal", suggestion="pass", scene=scene)))
    assert scan.text == "text"
    assert scan.needs_review == (scene == "porn")
    assert scan.suggestion == (None if scene == "porn" else "pass")


@pytest.mark.parametrize(
    "same",
    [
        copy.copy,
        copy.deepcopy,
        lambda scan: pickle.loads(pickle.dumps(scan)),  # noqa: S301 - our own
        lambda scan: attrs.evolve(scan, label="ocr"),
        lambda scan: Scan(**{name: getattr(scan, name) for name in Scan.__match_args__}),
    ],
    ids=["copy", "deepcopy", "pickle", "evolve", "by hand"],
)
def test_a_scan_is_copied_with_its_regions(same: Any) -> None:
    """Whether or not anybody has looked at them before."""
    assert same(_unread()) == EAGER
    looked = _unread()
    assert looked.regions
    assert same(looked) == EAGER


def test_a_scan_can_be_taken_apart() -> None:
    """By a pattern, and into plain values."""
    match _unread():
        case Scan(regions=(Region(text, x),), frames=(Frame(regions=(Region(h=h),)),)):
            assert (text, x, h) == ("text", 1, 4)
        case _:
            pytest.fail("no match")
    assert attrs.asdict(_unread())["regions"][0]["text"] == "text"


def test_a_scan_stays_frozen() -> None:
    """Nobody changes regions, before they were read or after; no other attribute appears."""
    for scan in (_unread(), EAGER):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            scan.regions = ()  # type: ignore[misc]
        with pytest.raises(AttributeError, match="'Scan' object has no attribute 'region'"):
            getattr(scan, "region")  # noqa: B009
        assert not hasattr(scan, "__dict__")


def test_threads_may_read_regions_at_once() -> None:
    """Whoever comes first, all see the same."""
    scans = [_scan(_body(_answer("a", [REGION] * 200))) for _ in range(50)]
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: [len(scan.regions) for scan in scans], range(4)):
            assert found == [200] * 50


ODD = {
    "null": ("null", ()),
    "nothing": ("[]", ()),
    "numbers as strings": ('[{"text":"t","x":"1","y":"2.5","w":"3","h":"4"}]', (("t", 1, 2.5),)),
    "a number as text": ('[{"text":7,"x":1,"y":2}]', (("7", 1, 2),)),
    "names capitalised": ('[{"Text":"t","X":1,"Y":2}]', (("t", 1, 2),)),
    "no place": ('[{"text":"t"}]', (("t", 0, 0),)),
    "nulls for numbers": ('[{"text":"t","x":null,"y":null}]', (("t", 0, 0),)),
    "no text": ('[{"x":1},{"text":null},{"text":"t","x":1,"y":2}]', (("t", 1, 2),)),
    "junk": ('[1,"x",null,[],{},true]', ()),
    "one without a list": ('{"text":"t","x":1,"y":2}', (("t", 1, 2),)),
    "no list at all": ('"t"', ()),
    "unknown fields": ('[{"text":"t","x":1,"y":2,"w":3,"h":4,"z":[{}]}]', (("t", 1, 2),)),
    "numbers beyond floats": ('[{"text":"t","x":1e999,"y":-1e999}]', (("t", 0, 0),)),
    "not a number": ('[{"text":"t","x":NaN,"y":Infinity}]', (("t", 0, 0),)),
    "huge whole numbers": (f'[{{"text":"t","x":1{"0" * 400},"y":2}}]', (("t", 0, 2),)),
    "a lone surrogate": (r'[{"text":"\ud800","x":1,"y":2}]', (("?", 1, 2),)),
    "broken UTF-8": (b'[{"text":"\xff","x":1,"y":2}]', (("�", 1, 2),)),
    "deep nesting": (f'[{{"text":"t","x":1,"y":2,"z":{"[" * 500}{"]" * 500}}}]', (("t", 1, 2),)),
}


@pytest.mark.parametrize("whose", ["image", "frame"])
@pytest.mark.parametrize(("regions", "meant"), ODD.values(), ids=ODD.keys())
def test_odd_regions_are_made_good_and_never_raise(
    regions: str | bytes, meant: tuple[tuple[str, float, float], ...], whose: str
) -> None:
    """What can be read of them is there; text and neighbours are not touched."""
    raw = regions.encode() if isinstance(regions, str) else regions
    odd = _answer("a", "HERE")
    if whose == "frame":
        odd = _answer("a", (), frames=[{"ocrData": ["text"], "ocrLocations": "HERE"}])
    scan = _scan(_body(odd).replace(b'"HERE"', raw))
    assert scan.text == "text"
    found = (scan.frames[0] if whose == "frame" else scan).regions
    assert tuple((region.text, region.x, region.y) for region in found) == meant


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"width": 1280, "height": 720, "turn": 270}, (1280, 720, 270)),
        ({"width": "1280", "height": 720.0, "turn": 0}, (1280, 720, 0)),
        ({"width": 1280, "height": None}, (1280, None, None)),
        ({"width": 0, "height": -720, "turn": 45}, (None, None, None)),
        ({"width": [1], "height": "high", "turn": {}}, (None, None, None)),
        ({"width": 1e999, "height": 1.5, "turn": -90}, (None, None, None)),
        ({}, (None, None, None)),
    ],
)
def test_size_and_turn_of_a_picture_are_taken_if_they_make_sense(
    said: dict[str, object], meant: tuple[int | None, ...]
) -> None:
    """The service does not say them, the emulator can; nonsense costs nothing else."""
    scan = _scan(_body(_answer("a", **said)))
    assert (scan.width, scan.height, scan.turn) == meant
    assert (scan.text, scan.regions) == ("text", (READ,))


def test_regions_stand_in_for_a_missing_text_however_odd() -> None:
    """The document promises the joined text "in general"."""
    odd = [{"text": "one", "x": None}, {"x": 1}, {"text": "two"}]
    assert _scan(_body(_answer("a", odd, ocrData=None))).text == "one two"


def test_a_kept_scan_is_small_and_keeps_no_reply_alive() -> None:
    """Until somebody looks, regions are the bytes of their image, and of no other."""
    named = wire.name_images([_image(number) for number in range(100)])
    body = _body(*(_answer(name, [REGION] * 40) for name in named))
    kept: list[Scan] = []
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for part in replies.decode_reply(200, bytes(bytearray(body)), named):
            kept += [scan for _, scan in part if isinstance(scan, Scan)]
        gc.collect()
        unread = tracemalloc.get_traced_memory()[0] - before
        assert all(len(scan.regions) == 40 for scan in kept)
        gc.collect()
        read = tracemalloc.get_traced_memory()[0] - before
        del kept[1:]
        gc.collect()
        one = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert len(body) / 2 < unread < 1.5 * len(body)
    assert unread < read / 2
    assert one < read / 20


# --- part by part ---------------------------------------------------------------------------------


class Canned(ModelService):
    """Answers with a reply of real bytes, or with parts of its own."""

    def __init__(self, parts: Iterator[replies.ReplyPart] | None = None) -> None:
        super().__init__(Character(), seed=0)
        self.parts = parts

    async def send(self, images: Sequence[Image]) -> Iterator[replies.ReplyPart]:
        """The reply, at once."""
        named = wire.name_images(images)
        body = _body(*map(_answer, named))
        return self.parts or replies.decode_reply(200, body, named)


class Free:
    """A permit a turn of the loop."""

    async def acquire(self) -> None:
        """Leave, as good as at once."""
        await asyncio.sleep(0)


class Watcher(Asker):
    """Notes in which turn of the loop each outcome came."""

    def __init__(self, batcher: Batcher) -> None:
        super().__init__(batcher)
        self.turn = 0
        self.turns: list[int] = []
        self._tick()

    def _tick(self) -> None:
        self.turn += 1
        self._next = asyncio.get_running_loop().call_soon(self._tick)

    def deliver(self, waiter: Any, outcome: Any) -> None:
        """Told what became of an image."""
        super().deliver(waiter, outcome)
        self.turns.append(self.turn)

    def stop(self) -> None:
        """Count no more."""
        self._next.cancel()

    async def until(self, count: int) -> None:
        """Wait for so many outcomes, and not a turn longer."""
        while len(self.turns) < count:  # noqa: ASYNC110 - its turns are counted
            await asyncio.sleep(0)


def _watched(
    count: int, parts: Iterator[replies.ReplyPart] | None = None
) -> tuple[Batcher, Watcher]:
    batcher = batcher_of(Canned(parts))
    watcher = Watcher(batcher)
    for number in range(count):
        watcher.ask(_image(number))
    return batcher, watcher


async def test_the_loop_is_let_in_while_a_reply_is_given_out() -> None:
    """A hundred images never come in one go: others have their turn after every few."""
    batcher, watcher = _watched(100)
    await watcher.until(100)
    watcher.stop()
    in_a_turn = [watcher.turns.count(turn) for turn in set(watcher.turns)]
    assert max(in_a_turn) == replies.PART
    assert len(in_a_turn) == -(-100 // replies.PART)
    assert watcher.turns[-1] - watcher.turns[0] == len(in_a_turn) - 1  # and none is wasted
    await batcher.close()


def test_an_odd_answer_ends_its_part() -> None:
    """It is read field by field, which takes as long as many others; all are read all the same."""
    named = wire.name_images([_image(number) for number in range(100)])
    answers = [
        _answer(name, label=7 if place % 10 == 9 else "ocr") for place, name in enumerate(named)
    ]
    parts = list(replies.decode_reply(200, _body(*answers), named))
    assert [len(part) for part in parts] == [10] * 10 + [0]
    assert all(isinstance(scan, Scan) for part in parts for _, scan in part)


async def test_many_replies_make_no_turn_longer_than_one_does() -> None:
    """They are given out one after the other; and who is behind with that asks for no more."""
    batcher = batcher_of(Canned(), limiter=Free())
    watcher = Watcher(batcher)
    for number in range(1000):
        watcher.ask(_image(number))
    sent = []
    while len(watcher.turns) < 1000:
        sent.append(batcher.tally.images_sent - len(watcher.turns))
        await asyncio.sleep(0)
    watcher.stop()
    assert max(watcher.turns.count(turn) for turn in set(watcher.turns)) <= replies.PART
    assert max(sent) <= 500
    await batcher.close()


async def test_a_closing_session_gives_out_what_has_come() -> None:
    """A reply that is here has been paid for: all its images are read, whoever hurries."""
    batcher, watcher = _watched(100)
    await watcher.until(1)
    await batcher.close()
    watcher.stop()
    assert all(len(found) == 1 and found[0].ok for found in watcher.outcomes.values())


async def test_no_cancellation_loses_what_has_come() -> None:
    """Not even that of every task there is."""
    batcher, watcher = _watched(100)
    await watcher.until(1)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await watcher.until(100)
    watcher.stop()
    assert all(found[0].ok for found in watcher.outcomes.values())
    await batcher.close()


async def test_who_leaves_in_the_middle_of_a_reply_gets_nothing() -> None:
    """The others get theirs, once each."""
    batcher, watcher = _watched(100)
    await watcher.until(1)
    for waiter in watcher.asked[50:]:
        watcher.withdraw(waiter)
    await watcher.until(50)
    for _ in range(10):
        await asyncio.sleep(0)
    watcher.stop()
    assert [len(watcher.outcomes[waiter]) for waiter in watcher.asked] == [1] * 50 + [0] * 50
    await batcher.close()


@pytest.mark.parametrize("broken", [True, False], ids=["a defect", "too few"])
async def test_a_reply_that_breaks_off_leaves_nobody_waiting(broken: bool) -> None:
    """A defect in here costs the images that were not given out yet, and says so."""

    def parts() -> Iterator[replies.ReplyPart]:
        yield [(1, Scan(_image(1), "text"))]
        if broken:
            raise ZeroDivisionError("a defect")

    batcher, watcher = _watched(3, parts())
    await watcher.until(3)
    watcher.stop()
    first, second, third = (watcher.outcomes[waiter][0] for waiter in watcher.asked)
    assert second.ok
    for failed in (first, third):
        assert isinstance(failed, Failure)
        assert failed.error.maybe_charged
        assert ("ZeroDivisionError: a defect" in str(failed.error)) is broken
    await batcher.close()


async def test_the_account_hears_of_a_reply_once() -> None:
    """When it has been read to its end, with all that was refused in it."""

    class Told:
        def __init__(self) -> None:
            self.told = 0

        async def acquire(self) -> None:
            pass

        def request_ended(self, sent_at: float, *, throttled: bool) -> None:
            assert sent_at >= 0
            assert not throttled
            self.told += 1

        def unused(self) -> None:
            pass

    refused: list[tuple[int, Scan | OCRError]] = [(0, api_error(404, "not there"))]
    limiter = Told()
    parts: list[replies.ReplyPart] = [[(1, Scan(_image(1), "text"))], [], refused]
    batcher = batcher_of(Canned(iter(parts)), limiter=limiter)
    watcher = Watcher(batcher)
    for number in range(2):
        watcher.ask(_image(number))
    await watcher.until(1)
    assert limiter.told == 0
    await watcher.until(2)
    watcher.stop()
    assert limiter.told == 1
    await batcher.close()
