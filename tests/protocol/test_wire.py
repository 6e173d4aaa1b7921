"""Models and JSON, both directions, held against the documents' own sample."""

import json
import string
import tracemalloc
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliocr import (
    APIError,
    AuthError,
    Frame,
    Image,
    OCRError,
    Region,
    ResponseError,
    Scan,
)
from aliocr.errors import IN_BODY, api_error
from aliocr.protocol import replies, wire

# The sample reply of the operation's page, editions of 2024 and 2026.
SAMPLE = """
{
    "code": 200,
    "data": [
        {
            "code": 200,
            "dataId": "test_data_xxxx",
            "extras": {},
            "msg": "OK",
            "results": [
                {
                    "label": "ocr",
                    "ocrData": ["hello, this is a test text."],
                    "ocrLocations": [
                        {"h": 26, "text": "hello", "w": 83, "x": 41, "y": 84},
                        {"h": 25, "text": " this is a test text.", "w": 95, "x": 78, "y": 114}
                    ],
                    "rate": 99.91,
                    "scene": "ocr",
                    "suggestion": "review"
                }
            ],
            "taskId": "img5A@k7a@B4q@6K@d9nfKgOs-1s****",
            "url": "https://aliyundoc.com/test_image_xxxx.png"
        }
    ],
    "msg": "OK",
    "requestId": "C4AB08A9-AD75-4410-859B-0B9EF6DFC3C4"
}
"""
SAMPLE_IMAGE = Image("https://aliyundoc.com/test_image_xxxx.png", "test_data_xxxx")
SAMPLE_NAMED = {"test_data_xxxx": SAMPLE_IMAGE}
A, B = Image("https://example.com/a.png", "a"), Image("https://example.com/b.png", "b")
NAMED = {"a": A, "b": B}


def _read(body: str | bytes, named: Mapping[str, Image] = NAMED, status: int = 200) -> Any:
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    return _whole(replies.decode_reply(status, raw, named), named)


def _whole(
    parts: Iterator[replies.ReplyPart], named: Mapping[str, Image]
) -> tuple[Scan | OCRError, ...]:
    """What became of the images, in their order; each was told of once."""
    found = [answer for part in parts for answer in part]
    assert sorted(place for place, _ in found) == list(range(len(named)))
    return tuple(dict(found)[place] for place in range(len(named)))


def _answer(data_id: object, text: str = "text", **fields: object) -> dict[str, object]:
    results = [{"scene": "ocr", "label": "ocr", "suggestion": "review", "ocrData": [text]}]
    return {"code": 200, "msg": "OK", "dataId": data_id, "results": results} | fields


def _reply(*answers: object) -> str:
    return json.dumps({"code": 200, "msg": "OK", "requestId": "R-1", "data": answers})


def test_the_documents_sample_decodes_to_its_scan() -> None:
    """Every field of the page's sample arrives where the model says."""
    assert _read(SAMPLE, SAMPLE_NAMED) == (
        Scan(
            image=SAMPLE_IMAGE,
            text="hello, this is a test text.",
            regions=(
                Region("hello", 41, 84, 83, 26),
                Region(" this is a test text.", 78, 114, 95, 25),
            ),
            frames=(),
            label="ocr",
            suggestion="review",
            rate=99.91,
            task_id="img5A@k7a@B4q@6K@d9nfKgOs-1s****",
            request_id="C4AB08A9-AD75-4410-859B-0B9EF6DFC3C4",
        ),
    )


def test_the_documents_sample_request_is_what_is_sent() -> None:
    """Byte for byte, apart from white space."""
    sample = (
        '{"scenes":["ocr"],"tasks":[{"dataId":"test_data_xxxx",'
        '"url":"https://aliyundoc.com/test_image_xxxx.png"}]}'
    )
    assert wire.encode_request(SAMPLE_NAMED) == sample.encode()


def test_a_broken_sample_is_an_undocumented_answer() -> None:
    """The Indonesian edition's sample lacks a quotation mark: no JSON, and no crash."""
    with pytest.raises(ResponseError, match="HTTP 200 without a code"):
        _read(SAMPLE.replace('"scene"', '"scene'), SAMPLE_NAMED)


# --- round trips ----------------------------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
pixels = st.floats(0, 30_000, allow_nan=False)
regions = st.lists(st.builds(Region, texts, pixels, pixels, pixels, pixels), max_size=4).map(tuple)
rates = st.none() | st.floats(0, 100)
frames = st.lists(st.builds(Frame, texts, regions, st.none() | texts, rates), max_size=3).map(tuple)
urls = st.text(string.ascii_letters + string.digits + "/?=&%.-_", max_size=60).map(
    lambda path: f"https://example.com/{path}"
)
data_ids = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
counts = st.integers(1, 10_000)
images = st.builds(Image, urls, st.none() | data_ids) | st.builds(
    Image, urls, st.none() | data_ids, counts, counts
)
batches = st.lists(images, min_size=1, max_size=100, unique_by=lambda image: image.data_id or image)


@given(batches, st.none() | texts)
def test_a_request_is_read_as_it_was_written(batch: list[Image], biz_type: str | None) -> None:
    """The emulator sees exactly the images the client sent, each under a name of its own."""
    named = wire.name_images(batch)
    request = wire.decode_request(wire.encode_request(named, biz_type))
    tasks = request.tasks
    assert request.biz_type == biz_type
    assert list(named.values()) == batch
    assert [task.data_id for task in tasks] == list(named)
    for task, image in zip(tasks, batch, strict=True):
        assert (task.data_id or "").startswith((image.data_id or "image")[:200])
        assert (task.url, task.interval, task.max_frames) == (
            image.url,
            image.interval,
            image.max_frames,
        )


@given(st.data(), st.randoms())
def test_a_reply_is_read_as_it_was_written(data: st.DataObject, random: Any) -> None:
    """Whatever the emulator answers, in whatever order, the client gets it for the right image."""
    batch = data.draw(st.lists(images, min_size=1, max_size=5, unique_by=lambda i: i.data_id or i))
    named = wire.name_images(batch)
    answers: dict[str, Scan | APIError] = {}
    for name, image in named.items():
        scans = st.builds(
            Scan,
            st.just(image),
            texts,
            regions,
            frames,
            texts,
            texts,
            rates,
            st.none() | texts,
            st.just("R-1"),
            st.none() | counts,
            st.none() | counts,
            st.sampled_from((None, *wire.TURNS)),
        )
        errors = st.builds(api_error, st.sampled_from(sorted(IN_BODY)), texts)
        answers[name] = data.draw(scans | errors)
    tasks = wire.decode_request(wire.encode_request(named)).tasks
    pairs = [(task, answers[task.data_id or ""]) for task in tasks]
    random.shuffle(pairs)
    read = _whole(
        replies.decode_reply(200, wire.encode_reply(pairs, request_id="R-1"), named), named
    )
    for found, meant in zip(read, answers.values(), strict=True):
        if isinstance(meant, Scan):
            assert found == meant
        else:
            assert isinstance(found, APIError)
            assert (found.code, found.message, found.request_id) == (
                meant.code,
                meant.message,
                "R-1",
            )


# --- who is meant ---------------------------------------------------------------------------------


def test_answers_are_matched_by_name_and_never_by_place() -> None:
    """The service promises no order."""
    first, second = _read(_reply(_answer("b", "of b"), _answer("a", "of a")))
    assert (first.text, second.text) == ("of a", "of b")
    assert first.image is A


def test_an_image_the_reply_forgets_is_a_failure_of_that_image() -> None:
    """It may have been charged, and another try may help."""
    first, second = _read(_reply(_answer("b"), _answer("stranger"), _answer(None)))
    assert isinstance(first, ResponseError)
    assert (first.transient, first.maybe_charged, first.request_id) == (True, True, "R-1")
    assert second.ok


def test_of_a_repeated_answer_the_success_counts_then_the_first() -> None:
    """What was read is not paid for again because the reply contradicts itself."""
    failed = _answer("a", code=592)
    first, second = _read(_reply(failed, _answer("a", "read"), _answer("b", "1"), _answer("b")))
    assert (first.text, second.text) == ("read", "1")


def test_a_data_id_is_unique_to_the_request_and_begins_with_the_callers() -> None:
    """So a reply to another request is told apart, and the vendor's console shows mine."""
    long = ["x" * 256, "x" * 255 + "y", "x" * 240, "x" * 240 + "-5"]
    own = ["mine", "image", "mine-0", "é" * 256, *long]
    batch = [Image(f"https://example.com/{name}", name) for name in own]
    batch += [Image("https://example.com/1"), Image("https://example.com/2")]
    first, second = wire.name_images(batch), wire.name_images(batch)
    for named in (first, second):
        assert list(named.values()) == batch
        for name, image in named.items():
            assert name.startswith((image.data_id or "image")[:235])
            assert len(name) <= 256
    assert not set(first) & set(second)
    tags = {name.rpartition("-")[2] for name, image in first.items() if image.data_id == "mine"}
    assert all(name.startswith("mine-") or tags & set(name.split("-")) for name in first)


# --- odd replies ----------------------------------------------------------------------------------

ODD = {
    "names capitalised": {"Code": 200, "DataId": "a", "Results": [{"OcrData": ["text"]}]},
    "numbers as strings": _answer("a", code="200"),
    "numbers as floats": _answer("a", code=200.0),
    "a string where a list was meant": _answer("a", results=[{"ocrData": "text"}]),
    "an object where a list was meant": _answer("a", results={"ocrData": ["text"]}),
    "nulls": _answer("a", results=[{"ocrData": ["text"], "ocrLocations": None, "rate": None}]),
    "a number as text": _answer("a", results=[{"ocrData": [0, "text", None]}]),
    "another scene first": _answer(
        "a", results=[{"scene": "porn"}, {"scene": "ocr", "ocrData": ["text"]}]
    ),
    "fields nobody knows": _answer("a", storeUrl="…", extras=[1], hitLibInfo={"a": [None]}),
    "a region without place": _answer("a", results=[{"ocrLocations": [{"text": "text"}]}]),
    "a region without text": _answer("a", results=[{"ocrData": ["text"], "ocrLocations": [{}]}]),
    "regions of junk": _answer("a", results=[{"ocrData": ["text"], "ocrLocations": [1, "x"]}]),
    "frames in the two-field shape": _answer(
        "a", results=[{"ocrData": ["text"], "frames": [{"rate": 99, "url": "https://f"}]}]
    ),
    "text in frames only": _answer("a", results=[{"frames": [{"ocrData": ["text"]}]}]),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_an_odd_answer_still_gives_its_text(odd: dict[str, Any]) -> None:
    """What the documents leave open, or the service does against them, costs nothing."""
    first, second = _read(_reply(odd, _answer("b")))
    assert "text" in first.text
    assert second.ok


@pytest.mark.parametrize(
    "broken",
    [
        "a",
        None,
        [],
        {},
        _answer("a", results=None),
        _answer("a", results=[]),
        _answer("a", code=None),
        _answer("a", code="x"),
        _answer("a", code=10**400),
        _answer("a", code=10**30),
        _answer("a", code=-(2**63)),
        _answer({"a": 1}),
    ],
    ids=repr,
)
def test_a_broken_answer_costs_only_its_own_image(broken: object) -> None:
    """The neighbour is read; the image has an error of its own."""
    first, second = _read(_reply(broken, _answer("b")))
    assert isinstance(first, OCRError)
    assert second.ok


@pytest.mark.parametrize(
    "text", ["\\ud800", "\\udfff\\ud800", "\\u0000", "é", "\U0001f600"], ids=ascii
)
def test_any_text_can_be_written_to_a_file(text: str) -> None:
    """A lone surrogate, which JSON allows and UTF-8 does not, becomes a question mark."""
    first, second = _read(_reply(_answer("a"), _answer("b")).replace("text", text, 1))
    assert first.ok
    assert first.text.encode()
    assert second.text == "text"


def test_an_envelope_with_capitalised_names_is_read() -> None:
    """The common parameters' table prints them so; the samples do not."""
    body = {"Code": 200, "Msg": "OK", "RequestId": "R-1", "Data": [_answer("a")]}
    first, second = _read(json.dumps(body))
    assert (first.text, first.request_id) == ("text", "R-1")
    assert isinstance(second, ResponseError)


@pytest.mark.parametrize("code", [10**30, 2**63, 1e30, "9" * 40])
def test_no_code_is_too_great_for_a_database(code: object) -> None:
    """As a word it can be kept by whoever keeps outcomes."""
    with pytest.raises(APIError) as caught:
        _read(json.dumps({"code": code, "msg": "odd"}))
    assert isinstance(caught.value.code, str)
    first, _ = _read(_reply(_answer("a", code=code)))
    assert isinstance(first, ResponseError)


def test_deep_nesting_harms_nobody() -> None:
    """Neither the stack nor the neighbours."""
    deep = "[" * 5000 + "]" * 5000
    with pytest.raises(ResponseError):
        _read(deep)
    first, second = _read(
        _reply(_answer("a"), _answer("b")).replace('"url"', f'"z": {deep}, "u"', 1)
    )
    assert isinstance(first, Scan | ResponseError)  # some parsers go as deep, some do not
    assert second.ok
    with pytest.raises(wire.BadRequest):
        wire.decode_request(f'{{"z": {deep}}}'.encode())


def test_a_byte_order_mark_is_passed_over() -> None:
    """Some proxies put one there."""
    first, _ = _read("\ufeff" + _reply(_answer("a")))
    assert first.text == "text"


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", sorted(IN_BODY))
def test_any_code_may_come_for_the_request_or_for_an_image(code: int) -> None:
    """The documents do not say which comes where: both give the same class."""
    body = wire.encode_refusal(code, "words", request_id="R-1")
    with pytest.raises(APIError) as caught:
        _read(body)
    assert type(caught.value) is IN_BODY[code].error
    assert (caught.value.code, caught.value.request_id) == (code, "R-1")
    found, _ = _read(_reply(_answer("a", code=code)))
    assert type(found) is IN_BODY[code].error


def test_a_refusal_of_the_gateway_is_read_by_code_and_not_by_status() -> None:
    """Documents disagree on the statuses."""
    body = wire.encode_refusal("SignatureDoesNotMatch", "no", request_id="R-1", host="h")
    for status in (400, 403):
        with pytest.raises(AuthError, match="secret is wrong") as caught:
            _read(body, status=status)
        assert caught.value.code == "SignatureDoesNotMatch"


def test_an_unknown_code_of_either_kind_is_an_api_error() -> None:
    """New codes do not break old clients."""
    with pytest.raises(APIError) as caught:
        _read('{"code": 777, "msg": "new"}')
    assert caught.value.code == 777
    with pytest.raises(APIError) as caught:
        _read('{"Code": "Brand.New", "Message": "new"}', status=500)
    assert caught.value.code == "Brand.New"
    assert caught.value.transient


@pytest.mark.parametrize(
    ("status", "body", "kind", "transient"),
    [
        (502, "<html>Bad Gateway</html>", ResponseError, True),
        (503, "", ResponseError, True),
        (200, "", ResponseError, True),
        (200, "[]", ResponseError, True),
        (200, '{"code":200,"data":[{"co', ResponseError, True),
        (302, "", ResponseError, False),
        (404, "<html>", ResponseError, False),
        (407, "<html>", AuthError, False),
        (429, "", APIError, True),
    ],
)
def test_what_is_no_answer_of_the_service_is_said_to_be_none(
    status: int, body: str, kind: type[OCRError], transient: bool
) -> None:
    """A proxy's page, a cut body, a redirection: repeated only where that may help."""
    with pytest.raises(kind) as caught:
        _read(body, status=status)
    assert caught.value.transient is transient


# --- requests, read -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "malformed"),
        (b"{", "malformed"),
        (b"null", "malformed"),
        (b"\xff", "malformed"),
        (b"[" * 100_000, "malformed"),
        (b"[]", "malformed"),
        (b'{"tasks":[]}', "scenes"),
        (b'{"scenes":"ocr","tasks":[{"url":"u"}]}', "scenes"),
        (b'{"scenes":["porn"],"tasks":[{"url":"u"}]}', r"\[scenes\]"),
        (b'{"scenes":["ocr"]}', "tasks"),
        (b'{"scenes":["ocr"],"tasks":[]}', "1 to 100"),
        (b'{"scenes":["ocr"],"tasks":[{}]}', "url"),
        (b'{"scenes":["ocr"],"tasks":[{"url":7}]}', "url"),
        (b'{"scenes":["ocr"],"tasks":[{"url":"u","interval":"2"}]}', "interval"),
        (
            b'{"scenes":["ocr"],"tasks":[{"url":"u","dataId":"a"},{"url":"v","dataId":"a"}]}',
            "not unique",
        ),
    ],
)
def test_a_body_the_service_refuses_is_a_bad_request(body: bytes, says: str) -> None:
    """The emulator is as strict as the documents."""
    with pytest.raises(wire.BadRequest, match=says):
        wire.decode_request(body)


def test_a_hundred_and_first_task_is_refused() -> None:
    """The documented limit, to the letter."""
    body: dict[str, list[Any]] = {"scenes": ["ocr"], "tasks": [{"url": "u"}] * 101}
    with pytest.raises(wire.BadRequest, match="not 101"):
        wire.decode_request(msgspec.json.encode(body))
    body["tasks"].pop()
    assert len(wire.decode_request(msgspec.json.encode(body)).tasks) == 100


@pytest.mark.parametrize("scene", [b'"ocr"', b",".join([b'""'] * 300_000)])
def test_of_a_hundred_thousand_tasks_no_more_is_read_than_need_be(scene: bytes) -> None:
    """Two megabytes of the smallest tasks there are make no heap of objects, nor do scenes."""
    body = b'{"scenes":[%b],"tasks":[%b]}' % (scene, b",".join([b'{"url":"u"}'] * 100_000))
    tracemalloc.start()
    try:
        with pytest.raises(wire.BadRequest, match=r"\[tasks\]|\[scenes\]"):
            wire.decode_request(body)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 100_000
