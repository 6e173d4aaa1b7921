"""Answers are matched to images by what they name, and stale ones are not believed."""

import pytest

from aliocr import Image, OCRError, ResponseError, Scan
from aliocr.protocol import replies, wire
from tests.support.canned import element, reply

A = Image("https://example.com/a%20b.png?Signature=key-of-a", "a")
B = Image("https://example.com/b.png")


def _read(
    named: dict[str, Image], *elements: dict[str, object]
) -> tuple[tuple[Scan | OCRError, ...], int]:
    """The outcomes in order, and how often the connection was called stale."""
    stale: list[None] = []
    parts = replies.decode_reply(200, reply(*elements), named, on_stale=lambda: stale.append(None))
    found = dict(each for part in parts for each in part)
    return tuple(found[place] for place in range(len(named))), len(stale)


def _of(name: str, url: str) -> dict[str, object]:
    return element(name, url, f"at {url}")


def test_the_reply_to_another_request_is_not_believed() -> None:
    """Not even if it is about the same images: each request has names of its own."""
    before, now = wire.name_images([A, B]), wire.name_images([A, B])
    found, stale = _read(now, *(_of(name, image.url) for name, image in before.items()))
    for error in found:
        assert isinstance(error, ResponseError)
        assert (error.transient, error.maybe_charged) == (True, True)
        assert "another request" in str(error)
    assert stale == 1


def test_a_reply_that_has_a_stranger_in_it_is_read() -> None:
    """An element too many says nothing against the connection."""
    named = wire.name_images([A, B])
    found, stale = _read(named, *(_of(n, i.url) for n, i in named.items()), _of("else", B.url))
    assert [each.text for each in found if isinstance(each, Scan)] == [f"at {A.url}", f"at {B.url}"]
    assert stale == 0


SAME = {
    "as it was sent": A.url,
    "decoded": "https://example.com/a b.png?Signature=key-of-a",
    "encoded anew": "https://example.com/a%20b%2Epng?Signature=key%2Dof%2Da",
    "encoded twice": "https%3A%2F%2Fexample.com%2Fa%2520b.png%3FSignature%3Dkey-of-a",
    "without its query": "https://example.com/a%20b.png",
    "with a port": "https://example.com:443/a%20b.png?Signature=key-of-a",
    "by http": "http://example.com/a%20b.png?Signature=key-of-a",
    "its host in capitals": "https://EXAMPLE.com/a%20b.png?Signature=key-of-a",
    "escaped for HTML": "https://example.com/a%20b.png?Signature=key&#45;of-a",
    "where the service keeps it": "oss://bucket/upload/1",
    "no address": "a.png",
    "nothing": "",
}


@pytest.mark.parametrize("echoed", SAME.values(), ids=SAME.keys())
def test_a_name_beside_a_form_of_its_url_is_believed(echoed: str) -> None:
    """What was paid for is not dropped because an address is written in another way."""
    named = wire.name_images([A, B])
    (first, _), stale = _read(named, _of(next(iter(named)), echoed))
    assert isinstance(first, Scan)
    assert first.image is A
    assert stale == 0


@pytest.mark.parametrize(
    "echoed",
    [
        B.url,
        "https://example.com/a%20b.png?Signature=other",
        "https://example.com/a%20b.pn",
        "https://other.example/a%20b.png",
        "https://example.com/A%20b.png?Signature=key-of-a",
    ],
)
def test_a_name_beside_another_url_is_stale(echoed: str) -> None:
    """A name alone proves nothing if the address contradicts it."""
    named = wire.name_images([A, B])
    (first, _), stale = _read(named, _of(next(iter(named)), echoed))
    assert isinstance(first, ResponseError)
    assert stale == 1


@pytest.mark.parametrize("name", [None, "", {"a": 1}, []], ids=repr)
def test_an_element_without_a_name_is_matched_by_its_url(name: object) -> None:
    """If the URL is of one image only."""
    nameless = [
        _of("", url) | {"dataId": name}
        for url in (B.url, "http://example.com/a b.png?Signature=key-of-a")
    ]
    (first, second), stale = _read(wire.name_images([A, B]), *nameless)
    assert isinstance(first, Scan)
    assert (first.image, first.text) == (A, "at http://example.com/a b.png?Signature=key-of-a")
    assert isinstance(second, Scan)
    assert stale == 0
    twice = wire.name_images([A, Image(A.url, "again", 1, 2)])
    assert not any(isinstance(each, Scan) for each in _read(twice, _of("", A.url))[0])
    other = wire.name_images([A])
    assert not any(isinstance(each, Scan) for each in _read(other, _of("", B.url))[0])


def test_the_place_decides_only_for_one_image_and_one_element_without_names() -> None:
    """The service promises no order."""
    nameless = {key: each for key, each in _of("", "").items() if key not in ("dataId", "url")}
    assert isinstance(_read(wire.name_images([A]), nameless)[0][0], Scan)
    assert not isinstance(_read(wire.name_images([A]), nameless, nameless)[0][0], Scan)
    assert not any(isinstance(each, Scan) for each in _read(wire.name_images([A, B]), nameless)[0])


def test_the_caller_sees_its_own_data_id() -> None:
    """The tag is between this package and the service."""
    (found, _), _ = _read(named := wire.name_images([A, B]), _of(next(iter(named)), A.url))
    assert isinstance(found, Scan)
    assert found.image is A
    assert found.image.data_id == "a"
