"""A damaged reply costs what is damaged, at most: the other images were paid for."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliocr import APIError, Image, OCRError, Region, ResponseError, Scan, ThrottledError
from aliocr.protocol import lenient, replies, salvage, wire
from tests.support.canned import element, images, reply

IMAGES = images(100)
NAMED = wire.name_images(IMAGES)
NAMES = list(NAMED)
MARK = "here the byte goes"
AT = 50
GOOD = [
    element(name, image.url, f"text of {place} {MARK if place == AT else ''}")
    for place, (name, image) in enumerate(NAMED.items())
]
BODY = reply(*GOOD)


def _read(body: bytes, status: int = 200, named: dict[str, Image] = NAMED) -> list[Scan | OCRError]:
    found = [each for part in replies.decode_reply(status, body, named) for each in part]
    assert sorted(place for place, _ in found) == list(range(len(named)))
    return [outcome for _, outcome in sorted(found, key=lambda each: each[0])]


def _scans(body: bytes, status: int = 200) -> list[Scan | None]:
    return [each if isinstance(each, Scan) else None for each in _read(body, status)]


def _assert_others_are_read(found: list[Scan | None]) -> None:
    for place, scan in enumerate(found):
        if place != AT:
            assert scan is not None, place
            assert scan.text.startswith(f"text of {place} ")
            assert scan.regions == (Region("text", 1, 2.5, 3, 4),)


READABLE: dict[str, tuple[bytes, str]] = {
    **{f"control character {code:#04x}": (bytes([code]), chr(code)) for code in range(32)},
    **{
        f"a backslash before {letter!r}": (f"\\{letter}".encode(), f"\\{letter}")
        for letter in "acdxzAN 0.'[{é"
    },
    "an escape of no digits": (b"\\u", "\\u"),
    "an escape of three digits": (b"\\u12", "\\u12"),
    "an escape that is no number": (b"\\u12g4", "\\u12g4"),
    "a lone surrogate": (b"\\ud800", "?"),
    "two backslashes": (b"\\\\x", "\\x"),
    "three backslashes": (b"\\\\\\x", "\\\\x"),
    "not UTF-8": (b"\xff", "\ufffd"),
    "half a character": (b"\xe4\xb8", "\ufffd"),
    "a surrogate in UTF-8": (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
}


@pytest.mark.parametrize(("odd", "meant"), READABLE.values(), ids=READABLE.keys())
def test_an_odd_byte_in_a_text_costs_nothing(odd: bytes, meant: str) -> None:
    """The text is read with it, and so are all others."""
    found = _scans(BODY.replace(MARK.encode(), odd))
    _assert_others_are_read(found)
    scan = found[AT]
    assert scan is not None
    assert scan.text == f"text of {AT} {meant}"
    assert scan.text.encode()


@pytest.mark.parametrize(
    "odd",
    [b'"', b'\\"', b'"}', b'","a', b"\\", b'"]}]}', b'":{"', b'"\\', b'{"code":200', b'",[[['],
    ids=repr,
)
def test_a_byte_that_breaks_its_element_costs_no_other(odd: bytes) -> None:
    """Nobody can tell what was meant, but where the next element begins."""
    body = BODY.replace(MARK.encode() + b'"', odd + b'"' if odd != b"\\" else b'\\"')
    _assert_others_are_read(_scans(body))


@given(st.integers(0, 2**16), st.binary(min_size=1, max_size=4))
def test_any_bytes_anywhere_in_an_element_cost_no_other(place: int, odd: bytes) -> None:
    """Written over what is there."""
    begin, end = (BODY.rindex(b'{"code"', 0, BODY.index(NAMES[n].encode())) for n in (AT, AT + 1))
    at = begin + place % (end - begin - 2 - len(odd))
    body = BODY[:at] + odd + BODY[at + len(odd) :]
    _assert_others_are_read(_scans(body))


AROUND: dict[str, Callable[[bytes], bytes]] = {
    "a NUL after": lambda body: body + b"\0",
    "many NULs after": lambda body: body + b"\0" * 100,
    "a line after": lambda body: body + b"\r\n",
    "words after": lambda body: body + b"<!-- served by proxy -->",
    "another reply after": lambda body: body + b'{"code":500,"msg":"no"}',
    "a bracket after": lambda body: body + b"}",
    "a byte order mark": lambda body: b"\xef\xbb\xbf" + body,
    "lines before": lambda body: b"\r\n\r\n" + body,
    "NULs before": lambda body: b"\0\0" + body,
    "a prefix against scripts": lambda body: b")]}',\n" + body,
    "no end": lambda body: body[:-1],
    "no end of the list": lambda body: body[:-2],
}


@pytest.mark.parametrize("made", AROUND.values(), ids=AROUND.keys())
def test_a_byte_around_the_reply_costs_nothing(made: Callable[[bytes], bytes]) -> None:
    """A trailing NUL once had a hundred images sent four times."""
    assert all(_scans(made(BODY)))


@pytest.mark.parametrize("odd", [b"\x01", b"\n", b"\\x", b"\0", b"\xff"], ids=repr)
def test_an_odd_byte_in_the_envelope_costs_nothing(odd: bytes) -> None:
    """The words of the envelope are read as those of an image are."""
    found = _read(reply(*GOOD, msg="OK#", zone="#").replace(b"#", odd))
    assert all(isinstance(each, Scan) and each.request_id == "R-1" for each in found)


@given(st.integers(0, len(BODY)))
def test_images_that_are_whole_before_a_cut_are_kept(length: int) -> None:
    """They were paid for; the others may have been, and are asked for again."""
    ends = [BODY.index(json.dumps(name).encode()) for name in NAMES[1:]]
    whole = sum(end <= length for end in ends)
    found: list[Scan | OCRError]
    try:
        found = _read(BODY[:length])
    except ResponseError as error:
        found = [error] * 100
    assert all(isinstance(each, Scan) for each in found[:whole])
    for each in found[whole + 1 :]:
        assert isinstance(each, ResponseError)
        assert (each.transient, each.maybe_charged) == (True, True)


def test_the_error_of_a_cut_is_that_of_the_images_after_it() -> None:
    """Only the caller knows what cut the reply."""
    cut = ResponseError("the connection broke", transient=True, maybe_charged=True)
    half = BODY[: BODY.index(json.dumps(NAMES[40]).encode())]
    parts = replies.decode_reply(200, half, NAMED, cut=cut)
    found = dict(each for part in parts for each in part)
    assert all(isinstance(found[place], Scan) for place in range(40))
    assert all(found[place] is cut for place in range(40, 100))
    with pytest.raises(ResponseError) as caught:
        replies.decode_reply(200, BODY[:20], NAMED, cut=cut)
    assert caught.value is cut


@pytest.mark.parametrize("status", [*range(200, 207), 304, 400, 404, 429, 500, 502])
def test_a_good_reply_counts_whatever_the_status(status: int) -> None:
    """It names these very images, so they were read, and paid for."""
    assert all(_scans(BODY, status))


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (b'{"Code":"Throttling.User","Message":"a\nb"}', ThrottledError, "Throttling.User"),
        (b'{"Code":"Throttling.User","Message":"a\\xb"}', ThrottledError, "Throttling.User"),
        (b'{"Message":"","Code":"Throttling.User","Req', ThrottledError, "Throttling.User"),
        (b'{"code":588,"msg":"no"}\0', ThrottledError, 588),
        (b'{"msg":"no"', ResponseError, None),
        (b'{"code":777,"msg":"no","data":[', APIError, 777),
    ],
)
def test_a_damaged_refusal_is_still_a_refusal(
    body: bytes, kind: type[OCRError], code: object
) -> None:
    """What can be read of it decides."""
    with pytest.raises(kind) as caught:
        _read(body, 400)
    assert getattr(caught.value, "code", None) == code


ODD_DATA = {
    "one element without a list": GOOD[0],
    "elements by data id": {
        name: {key: value for key, value in each.items() if key != "dataId"}
        for name, each in zip(NAMES, GOOD, strict=True)
    },
    "elements by number": {str(number): each for number, each in enumerate(GOOD)},
}


@pytest.mark.parametrize("data", ODD_DATA.values(), ids=ODD_DATA.keys())
def test_data_may_be_an_object(data: object) -> None:
    """Then it is an element, or holds them."""
    found = _scans(reply(data=data))
    assert found[0] is not None
    assert all(found) or data is GOOD[0]


ODD_FRAMES = {
    "plain text": [{"text": "one", "rate": 99}, {"text": "two"}],
    "strings": ["one", "two"],
    "one string": "one\ntwo",
    "nested results": [{"results": [{"ocrData": ["one"]}]}, {"results": [{"text": "two"}]}],
    "nested result without a list": [{"results": {"ocrData": "one"}}, {"results": "two"}],
    "nested locations": [
        {"results": [{"ocrLocations": [{"text": each}]}]} for each in ("one", "two")
    ],
    "empty data beside locations": [
        {"ocrData": [""], "ocrLocations": [{"text": each}]} for each in ("one", "two")
    ],
}


@pytest.mark.parametrize("frames", ODD_FRAMES.values(), ids=ODD_FRAMES.keys())
def test_the_text_of_a_frame_is_found_in_any_shape(frames: object) -> None:
    """No page shows a frame of this operation."""
    named = wire.name_images(IMAGES[:1])
    (name,) = named
    body = reply(element(name, IMAGES[0].url, results=[{"scene": "ocr", "frames": frames}]))
    (scan,) = _read(body, named=named)
    assert isinstance(scan, Scan)
    assert scan.text == "one\ntwo"


@pytest.mark.parametrize("nothing", [[], [""], ["", ""], None, "", [None]], ids=repr)
def test_empty_data_beside_locations_is_no_text(nothing: object) -> None:
    """The text is that of the locations."""
    result = {"scene": "ocr", "ocrData": nothing, "ocrLocations": [{"text": "read"}]}
    named = wire.name_images(IMAGES[:1])
    (name,) = named
    (scan,) = _read(reply(element(name, IMAGES[0].url, results=[result])), named=named)
    assert isinstance(scan, Scan)
    assert scan.text == "read"
    assert (scan.label, scan.suggestion) == (None, None)


def test_of_a_flood_of_elements_few_are_read() -> None:
    """Millions of elements nobody asked for cost neither minutes nor memory."""
    stray = b"1," * 2_000_000
    named = wire.name_images(IMAGES[:1])
    (name,) = named
    body = reply(element(name, IMAGES[0].url), "#").replace(b'"#"', stray + b"1")
    parts = list(replies.decode_reply(200, body, named))
    assert len(parts) <= wire.MOST_ELEMENTS + 1
    assert isinstance(parts[0][0][1], Scan)


@pytest.mark.parametrize(
    "flood",
    ['{"a":' * 200_000, '{"a":[' * 100_000, '{"code":200,"url":"' * 50_000, '[{"a":1,' * 100_000],
    ids=lambda flood: flood[:8],
)
def test_a_body_made_to_be_slow_is_given_up(flood: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each bracket is a place to begin at, so without a limit the time grows with the square."""
    tries = 0
    first_value = lenient.first_value

    def counted(text: str, begin: int) -> tuple[object, int]:
        nonlocal tries
        tries += 1
        return first_value(text, begin)

    monkeypatch.setattr(lenient, "first_value", counted)
    assert not list(salvage.elements('{"data":[' + flood))
    assert 10 < tries < 10_000
