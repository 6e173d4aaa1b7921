"""Secrets are taken out of every text that comes in, whatever form the text has."""

import html
import json
import pickle
import traceback
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliocr import Failure, Image, OCRError
from aliocr.errors import GATEWAY, IN_BODY, api_error, undocumented_error
from aliocr.protocol import replies, signing, wire
from aliocr.redaction import (
    LONGEST_TEXT,
    PIECE,
    SHORTEST,
    Secrets,
    unescaped,
    without_queries,
    without_query,
)
from tests.support.canned import KEY, element, reply

TOKEN = "CAIS8wF1q6Ft5B2yfSjIr5bDKMzjqYx0+6u/MHLHj3IUasdVnPfNgzz2IH9NeHBoAO0Xsv81lWFX7f8alr=="
SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYEX"
SIGNED = "https://user:pass-word@bucket.example/a.png?Expires=1700000000&Signature=aB3%2Fd%2Bx9Zq%3D#f-key"
IMAGE = Image(SIGNED, "mine")
KNOWN = Secrets((SECRET, TOKEN))
HIDDEN = [TOKEN, SECRET, "Expires=1700000000", "aB3%2Fd%2Bx9Zq%3D", "aB3/d+x9Zq=", "pass-word"]

FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in a URL": lambda text: quote(text, safe=""),
    "in a URL, lower case": lambda text: quote(text, safe="").replace("%2B", "%2b"),
    "in part in a URL": lambda text: text.replace("+", "%2B"),
    "all of it in a URL": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "twice in a URL": lambda text: quote(quote(text, safe=""), safe=""),
    "in JSON in JSON": lambda text: json.dumps(text).replace("/", "\\/")[1:-1],
    "in JSON as numbers": lambda text: "".join(f"\\u{ord(each):04x}" for each in text),
    "in HTML": lambda text: html.escape(text).replace("/", "&#x2F;").replace("+", "&#43;"),
    "without its end": lambda text: text[:-4],
    "without its beginning": lambda text: text[4:],
    "over several lines": lambda text: "\n".join([text[:30], text[30:]]),
}


def _echo(form: Callable[[str], str]) -> str:
    """The string to sign, and the request, as a service might quote them."""
    headers = signing.signed_headers(
        b"{}", type(KEY)("LTAI", SECRET, TOKEN), timestamp=0, nonce="nonce"
    )
    headers["x-acs-security-token"] = form(TOKEN)
    text = signing.string_to_sign("POST", signing.SCAN_PATH, (), headers)
    return f"no. server string to sign:{text} (secret {form(SECRET)}) for {form(SIGNED)}"


def _shows(error: OCRError) -> str:
    """All that a person, a log or a file gets to see of an error."""
    try:
        raise error
    except OCRError as caught:
        trace = "".join(traceback.format_exception(caught))
    stored = pickle.dumps(Failure(Image("https://example.com/"), error)).decode("latin-1")
    return f"{error} {error!r} {error.args} {vars(error)} {trace} {stored}"


def _pieces(text: str) -> set[str]:
    return {text[at : at + PIECE] for at in range(len(text) - PIECE + 1)}


def _leaks(shown: str) -> set[str]:
    """Pieces of secrets that are shown, or that can be made from what is shown."""
    found = set()
    for text in (shown, unescaped(shown)):
        found |= {piece for value in HIDDEN[:2] for piece in _pieces(value) if piece in text}
        found |= {value for value in HIDDEN[2:] if value in text}
    return found


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("code", [*IN_BODY, *GATEWAY, 777, "Brand.New"])
def test_no_code_shows_a_secret(code: int | str, form: Callable[[str], str]) -> None:
    """Whichever code quotes the request, for the whole request or for one image."""
    named = wire.name_images([IMAGE])
    (name,) = named
    for fields in (
        {"code": code, "msg": _echo(form)},
        {"Code": code, "Message": _echo(form), "RequestId": form(TOKEN)},
    ):
        with pytest.raises(OCRError) as caught:
            list(replies.decode_reply(400, json.dumps(fields).encode(), named, secrets=KNOWN))
        assert not _leaks(_shows(caught.value))
    body = reply(element(name, SIGNED, code=code, msg=_echo(form)))
    ((_, error),) = [
        each for part in replies.decode_reply(200, body, named, secrets=KNOWN) for each in part
    ]
    assert isinstance(error, OCRError)
    assert not _leaks(_shows(error))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("status", [200, 201, 302, 400, 403, 404, 407, 429, 500, 502, 503, 511])
def test_no_page_shows_a_secret(status: int, form: Callable[[str], str]) -> None:
    """A proxy's page begins with what the proxy likes, for example the request."""
    named = wire.name_images([IMAGE])
    for body in (form(TOKEN), form(SECRET), f"<p>{form(SIGNED)}</p>", _echo(form)[80:]):
        with pytest.raises(OCRError) as caught:
            list(replies.decode_reply(status, body.encode(), named, secrets=KNOWN))
        assert not _leaks(_shows(caught.value))


def test_a_code_and_a_request_id_are_texts_like_any_others() -> None:
    """They may quote, too, and a success carries its request's id."""
    named = wire.name_images([IMAGE])
    (name,) = named
    body = reply(element(name, SIGNED), requestId=f"R {TOKEN}")
    ((_, scan),) = next(replies.decode_reply(200, body, named, secrets=KNOWN))
    assert not _leaks(repr(scan))
    assert scan.request_id == "R …"
    body = reply(element(name, SIGNED), requestId=f"R for {SIGNED}")
    ((_, scan),) = next(replies.decode_reply(200, body, named, secrets=KNOWN))
    assert not _leaks(repr(scan))
    error = api_error(f"Odd.{TOKEN}", "", secrets=KNOWN)
    assert not _leaks(_shows(error))
    assert error.code == "Odd.…"


def test_the_words_about_one_image_may_quote_another_one() -> None:
    """The key of a neighbour is a key, too."""
    named = wire.name_images([Image("https://example.com/"), IMAGE])
    first, _ = named
    body = reply(element(first, "https://example.com/", code=400, msg=f"no {SIGNED[-40:]}"))
    ((_, error), _) = next(replies.decode_reply(200, body, named, secrets=KNOWN))
    assert isinstance(error, OCRError)
    assert not _leaks(_shows(error))


def test_what_a_service_says_is_limited() -> None:
    """A message of a megabyte becomes no row and no log line of a megabyte."""
    error = api_error(400, "word " * 300_000, request_id="R" * 300_000)
    assert len(str(error)) < 2 * LONGEST_TEXT
    assert len(str(undocumented_error(500, b"x" * 1_000_000))) < 200


PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=SHORTEST)


@given(st.text(), PRINTABLE, st.text())
def test_a_value_is_found_in_any_surroundings(before: str, value: str, after: str) -> None:
    """No text keeps a value that is known, wherever it stands."""
    assert value not in Secrets((value,)).hide(before + value + after, 10_000)


@given(st.text())
def test_a_text_without_secrets_is_not_touched(text: str) -> None:
    """Redaction is not to change what a service says."""
    assert Secrets(("a-value-that-is-not-in-any-text",)).hide(text, 10_000) == text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:key@host/a.png?Signature=key", "https://…@host/a.png?…"),
        ("https://host/a.png#key", "https://host/a.png#…"),
        ("https://host/a.png?key#key", "https://host/a.png?…"),
        ("https://host/a.png#key?key", "https://host/a.png#…"),
        ("https://u:key@host#key", "https://…@host#…"),
        ("//u:key@host/a b.png", "//…@host/a b.png"),
        ("https://resize/100/http://u:key@host/a.png", "https://resize/100/http://…@host/a.png"),
        ("https://host/a//b@2x.png", "https://host/a//b@2x.png"),
        ("x?key", "x?…"),
        ("No. #", "No. #"),
        (
            '{"http://u:key@h/x": 1, "y": "ftp:\\/\\/u:key@h\\/x"}',
            '{"http://…@h/x": 1, "y": "ftp:\\/\\/…@h\\/x"}',
        ),
    ],
)
def test_every_key_in_a_url_is_left_out(url: str, shown: str) -> None:
    """The query, the fragment, the user and password of each URL that it holds; nothing else."""
    assert without_query(url) == shown


@pytest.mark.parametrize("key", ["?key", "#key", "?a=b&c=key", "#a?key"])
def test_every_url_in_a_text_loses_its_keys(key: str) -> None:
    """The text around it stays."""
    shown = without_queries(f"no access to https://u:key@h.example/b.png{key} now")
    assert shown in {f"no access to https://…@h.example/b.png{mark}… now" for mark in "?#"}
