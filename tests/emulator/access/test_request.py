"""Any request passes or is refused with a status below 500, and never causes a crash."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st

from aliocr.emulator.access.request import RawRequest
from aliocr.emulator.http.xml import xml_parts
from aliocr.protocol import wire
from tests.support.signed import NEWER, Signer, both, signed, verdict
from tests.support.vectors import BODY, DOCUMENTED

# Lone surrogates among them: bytes outside UTF-8 arrive as such.
TEXT = st.text(st.characters(exclude_characters="\r\n"), max_size=30)
NAMES = st.sampled_from([*DOCUMENTED, *NEWER, "Authorization", "x-acs-security-token"])
WORDS = st.sampled_from(["testAccessKeyId", "host", "x-acs-date", "Signature=", "\udcff"])
MARKS = st.sampled_from(
    ["acs ", "ACS3-HMAC-SHA256", " ", "Credential=", ",", "SignedHeaders=", ";", ":", "="]
)
AUTHORIZATIONS = st.lists(MARKS | WORDS).map("".join)
QUERIES = st.text("ab%=&+0fF;?#é\udcff ", max_size=20)


def hold(request: RawRequest) -> None:
    """A refusal has a 4xx status and can be encoded as JSON and as XML."""
    refusal = verdict(request)
    if refusal is None:
        return
    assert 400 <= refusal.status < 500
    assert isinstance(refusal.code, str)
    body = wire.encode_refusal(refusal.code, refusal.message, request_id="", host="")
    assert b"".join(xml_parts(body, action="ImageSyncScan"))


@given(
    st.sampled_from(["POST", "GET"]),
    st.sampled_from(["/green/image/scan", "/", "\udcff"]),
    QUERIES,
    st.lists(st.tuples(NAMES | TEXT, TEXT)),
    AUTHORIZATIONS | TEXT,
)
def test_nothing_is_too_odd(
    method: str, path: str, query: str, fields: list[tuple[str, str]], authorization: str
) -> None:
    """Every part of the request is odd."""
    fields = [("x-acs-version", "2018-05-09"), ("Authorization", authorization), *fields]
    hold(RawRequest(method, path, query, fields, b""))


@both
@given(name=NAMES | TEXT, value=TEXT, query=QUERIES, authorization=st.none() | AUTHORIZATIONS)
def test_nothing_odd_about_a_good_request_is_too_odd(
    sign: Signer, name: str, value: str, query: str, authorization: str | None
) -> None:
    """One header, the query or the signature is odd."""
    good = sign()
    headers = {**good.headers, name.lower(): value}
    if authorization is not None:
        headers["authorization"] = authorization
    hold(attrs.evolve(good, fields=headers, query_string=query))


@both
@given(name=TEXT.map(lambda text: f"x-acs-{text}"), value=TEXT)
def test_who_signs_oddly_but_well_passes_or_is_refused(sign: Signer, name: str, value: str) -> None:
    """Any characters, well signed where a signature is possible."""
    try:
        asked = sign(changes={name: value})
    except UnicodeEncodeError:
        asked = attrs.evolve(signed(), fields={**signed().headers, name: value})
    hold(asked)
    hold(attrs.evolve(asked, body=BODY + b" "))
