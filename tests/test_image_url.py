"""URLs as people have them: encoded as browsers do, and otherwise left alone."""

import sys
import unicodedata
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from aliocr import Image
from aliocr.checks import AROUND, is_url
from aliocr.image_url import check, encoded


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("https://example.com/发票 1.png", "https://example.com/%E5%8F%91%E7%A5%A8%201.png"),
        ("https://example.com/a?q=ü b#ä", "https://example.com/a?q=%C3%BC%20b#%C3%A4"),
        ("https://example.com/ä%20%C3%A4%zz%", "https://example.com/%C3%A4%20%C3%A4%zz%"),
        ("https://example.com/a\u3000b\u200bc", "https://example.com/a%E3%80%80b%E2%80%8Bc"),
        ("https://bücher.example:8080/ü", "https://xn--bcher-kva.example:8080/%C3%BC"),
        ("https://例え。テスト/a", "https://xn--r8jz45g.xn--zckzah/a"),
        ("https://☃.example/a", "https://xn--n3h.example/a"),
        ("https://straße.example", "https://xn--strae-oqa.example"),
        ("http://jürg:pä s@example.com/", "http://j%C3%BCrg:p%C3%A4%20s@example.com/"),
        ("\ufeff https://example.com/a.png\u200b\r\n", "https://example.com/a.png"),
        # A browser would change these, but some hosts sign the text of a URL.
        ("HTTPS://Example.com/a/../b?x=|^`{}'<>\"", "HTTPS://Example.com/a/../b?x=|^`{}'<>\""),
        ("https://example.com/a?b=1&amp;c=2", "https://example.com/a?b=1&amp;c=2"),
    ],
)
def test_a_url_is_sent_as_browsers_send_it(written: str, sent: str) -> None:
    """Two images that ask for the same are equal."""
    assert Image(written).url == sent
    assert Image(written) == Image(sent)
    assert is_url(written)


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60)


@given(path=TEXTS, query=TEXTS)
def test_any_text_is_a_path_and_a_query(path: str, query: str) -> None:
    """They are read as intended, and a URL that is sent is sent again unchanged."""
    for mark in "?#":
        path = path.replace(mark, "")
    query = query.replace("#", "")
    sent = Image(f"https://example.com/{path}|?{query}|").url
    assert sent.isascii()
    assert encoded(sent) == sent
    parts = urlsplit(sent)
    assert unquote(parts.path) == unquote(f"/{path}|")
    assert unquote(parts.query) == unquote(f"{query}|")
    assert URL(sent, encoded=True).raw_path == parts.path


def test_every_kind_of_character_is_sent_or_refused() -> None:
    """One of each kind, in the middle: control characters and halves of pairs are mistakes."""
    kinds = {unicodedata.category(chr(code)): chr(code) for code in range(sys.maxunicode + 1)}
    assert len(kinds) == 30
    refused = set()
    for kind, character in kinds.items():
        try:
            sent = Image(f"https://example.com/a{character}b").url
        except ValueError:
            refused.add(kind)
        else:
            assert unquote(urlsplit(sent).path) == f"/a{character}b"
    assert refused == {"Cs", "Cc"}


def test_every_blank_around_a_url_goes() -> None:
    """All that Python takes for white space, and what has no width."""
    blanks = {chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()}
    assert blanks <= set(AROUND)
    for blank in AROUND:
        assert Image(f"{blank}https://example.com/a{blank}").url == "https://example.com/a"


@pytest.mark.parametrize("url", ["oss://bucket/upload/1/20261201/images/a", "OSS://b-1/%E5%9B%BE"])
def test_the_url_of_an_upload_is_sent_as_it_is(url: str) -> None:
    """As the vendor's uploader gives it."""
    assert encoded(url) == url
    check(url)


@pytest.mark.parametrize("between", [", ", " | ", " ", "\n", "|", ",", ";", ', "', " <"])
def test_two_images_are_no_url(between: str) -> None:
    """A cell of a table may have several; as one URL they would be sent, and fail."""
    with pytest.raises(ValueError, match="is several URLs; give one image alone"):
        Image(f"https://example.com/1.png{between}https://example.com/2.png")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/proxy/https://example.org/a.png",
        "https://example.com/?url=https://example.org/a.png",
        "https://example.com/join?urls=https://a.example/a.png?b,https://b.example/b",
    ],
)
def test_a_url_may_have_others_in_it(url: str) -> None:
    """Proxies of pictures have them in their paths and queries."""
    assert Image(url).url == url
