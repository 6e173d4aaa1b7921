"""Each thing that can be wrong with a request's headers, one by one, for both signatures."""

from __future__ import annotations

import attrs
import pytest

from tests.support.signed import NEWER, Signer, both, code, request, signed, signed_newer, verdict
from tests.support.vectors import DOCUMENTED


@both
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"x-acs-version": None}, "InvalidAction.NotFound"),
        ({"x-acs-version": "2017-01-12"}, "InvalidAction.NotFound"),
        ({"x-acs-action": "DeleteAll"}, "InvalidAction.NotFound"),
        ({"x-acs-action": "imagesyncscan"}, "InvalidAction.NotFound"),
        ({"x-acs-action": ""}, "InvalidAction.NotFound"),
        ({"x-acs-accesskey-id": "of-another"}, "InvalidParameter.Format"),
        ({"x-acs-accesskey-id": ""}, "InvalidParameter.Format"),
        ({"x-acs-signature-nonce": ""}, "MissingSignatureNonce"),
        ({"x-acs-security-token": "of-another"}, "InvalidSecurityToken.MismatchWithAccessKey"),
        ({"x-acs-security-token": ""}, "InvalidSecurityToken.Malformed"),
        ({"x-acs-security-token": "two words"}, "InvalidSecurityToken.Malformed"),
        ({"x-acs-security-token": "é"}, "InvalidSecurityToken.Malformed"),
        ({"content-md5": "AAAAAAAAAAAAAAAAAAAAAA=="}, "ContentMD5NotMatched"),
        ({"content-md5": ""}, "ContentMD5NotMatched"),
    ],
)
def test_a_refusal_has_the_documented_status_and_code(
    sign: Signer, changes: dict[str, str | None], expected: str
) -> None:
    """The emulator refuses the requests that the real service refuses, in the same words."""
    assert code(verdict(sign(changes=changes))) == (400, expected)


@both
@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("authorization", "", "MissingAuthorization"),
        ("authorization", "ACS3-HMAC-SM3 Credential=a", "InvalidSignatureMethod"),
        ("authorization", "ACS3-RSA-SHA256 Credential=a", "InvalidSignatureMethod"),
        ("x-acs-odd", "\udcff", "InvalidParameter.Format"),
        ("x-acs-\udcff", "odd", "InvalidParameter.Format"),
    ],
)
def test_what_nobody_could_sign_is_refused(
    sign: Signer, name: str, value: str, expected: str
) -> None:
    """No or another signature, and bytes that are no text."""
    asked = sign()
    changed = attrs.evolve(asked, fields={**asked.headers, name: value})
    assert code(verdict(changed)) == (400, expected)


@pytest.mark.parametrize(
    ("name", "wrong", "expected"),
    [
        ("Accept", None, "MissingAccept"),
        ("Content-Type", None, "MissingContentType"),
        ("Date", None, "MissingDate"),
        ("x-acs-signature-method", None, "MissingSignatureMethod"),
        ("x-acs-signature-version", None, "MissingSignatureVersion"),
        ("x-acs-signature-version", "2.0", "InvalidParameter.Format"),
        ("x-acs-signature-method", "HMAC-SM3", "InvalidSignatureMethod"),
        ("Date", "2017-03-14T06:29:50Z", "InvalidTimeStamp.Format"),
        ("Date", "Tue, 14 Mar 2017 06:29:50 +0000", "InvalidTimeStamp.Format"),
        ("Date", "Tue, 14 Mar 99999999 06:29:50 GMT", "InvalidTimeStamp.Format"),
        ("Date", "Tue, 99 Mar 2017 06:29:50 GMT", "InvalidTimeStamp.Format"),
        ("Date", "Wed, 14 Mar 2017 06:29:50 GMT", "InvalidTimeStamp.Format"),
        ("Date", "Tue, 14 Mar 0000 06:29:50 GMT", "InvalidTimeStamp.Format"),
        ("Date", "yesterday", "InvalidTimeStamp.Format"),
        ("Date", "Tue, 14 Mar 2017 06:14:49 GMT", "InvalidTimeStamp.Expired"),
        ("Date", "Tue, 14 Mar 2017 06:44:51 GMT", "InvalidTimeStamp.Expired"),
    ],
)
def test_the_older_signature_needs_its_headers(name: str, wrong: str | None, expected: str) -> None:
    """A missing header is named, and has another code than a wrong one."""
    assert code(verdict(signed(changes={name: wrong}))) == (400, expected)


@pytest.mark.parametrize(
    ("name", "wrong", "expected"),
    [
        ("accept", None, "MissingAccept"),
        ("content-type", None, "MissingContentType"),
        ("host", None, "MissingHost"),
        ("x-acs-action", None, "MissingAction"),
        ("x-acs-date", None, "MissingDate"),
        ("x-acs-signature-nonce", None, "MissingSignatureNonce"),
        ("x-acs-content-sha256", None, "MissingContentSha256"),
        ("x-acs-content-sha256", "0" * 64, "InvalidParameter.Format"),
        ("x-acs-content-sha256", NEWER["x-acs-content-sha256"].upper(), "InvalidParameter.Format"),
        ("x-acs-date", "Tue, 14 Mar 2017 06:29:50 GMT", "InvalidTimeStamp.Format"),
        ("x-acs-date", "2017-3-14T6:29:50Z", "InvalidTimeStamp.Format"),
        ("x-acs-date", "2017-03-14T06:29:50", "InvalidTimeStamp.Format"),
        ("x-acs-date", "2017-03-14T06:29:50.5Z", "InvalidTimeStamp.Format"),
        ("x-acs-date", "٢٠١٧-03-14T06:29:50Z", "InvalidTimeStamp.Format"),
        ("x-acs-date", "0000-03-14T06:29:50Z", "InvalidTimeStamp.Format"),
        ("x-acs-date", "2017-03-14T06:14:49Z", "InvalidTimeStamp.Expired"),
        ("x-acs-date", "2017-03-14T06:44:51Z", "InvalidTimeStamp.Expired"),
    ],
)
def test_the_newer_signature_needs_its_headers(name: str, wrong: str | None, expected: str) -> None:
    """These headers include the nonce and the body's checksum."""
    assert code(verdict(signed_newer(changes={name: wrong}))) == (400, expected)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/green/image/scan/", (404, "InvalidApi.NotFound")),
        ("POST", "/green/image/feedback", (404, "InvalidApi.NotFound")),
        ("POST", "/green/image/sc%61n", (404, "InvalidApi.NotFound")),
        ("GET", "/green/image/scan", (400, "UnsupportedHTTPMethod")),
        ("GET", "/", (400, "UnsupportedHTTPMethod")),
    ],
)
def test_another_address_is_refused(method: str, path: str, expected: tuple[int, str]) -> None:
    """One path of the service is emulated, by one method."""
    asked = attrs.evolve(signed(), method=method, path=path)
    assert code(verdict(asked)) == expected


@both
@pytest.mark.parametrize("query", ["a=%zz", "a=%f", "a=%ff", "%", "a=\udcff"])
def test_a_query_that_could_be_read_in_two_ways_is_refused(sign: Signer, query: str) -> None:
    """Half a percent-encoding, or bytes that are no text."""
    asked = attrs.evolve(sign(), query_string=query)
    assert code(verdict(asked)) == (400, "InvalidParameter.Format")


@both
@pytest.mark.parametrize(
    "name", ["accept", "authorization", "content-type", "x-acs-version", "x-acs-own"]
)
def test_a_header_that_is_signed_comes_once(sign: Signer, name: str) -> None:
    """With two values it is unclear which was signed."""
    asked = sign(changes={"x-acs-own": "1"})
    twice = attrs.evolve(asked, fields=(*asked.fields, (name, asked.headers[name])))
    assert code(verdict(twice)) == (400, "InvalidParameter.Format")


CREDENTIAL = "ACS3-HMAC-SHA256 Credential=testAccessKeyId"
NAMES = ";".join(sorted(NEWER))
LONG = pytest.param("acs " * 30_000, id="very long")


@pytest.mark.parametrize(
    "authorization",
    ["acs testAccessKeyId", "acs :sig", "acs key:", "Basic dTpw", "acs", LONG],
)
def test_an_authorization_of_another_form_is_incomplete(authorization: str) -> None:
    """An incomplete header has another code than a wrong signature."""
    asked = request(DOCUMENTED | {"Authorization": authorization})
    assert code(verdict(asked)) == (400, "IncompleteSignature")


@pytest.mark.parametrize(
    "authorization",
    [
        "ACS3-HMAC-SHA256",
        CREDENTIAL,
        f"{CREDENTIAL},SignedHeaders={NAMES}",
        f"{CREDENTIAL},SignedHeaders={NAMES},Signature=",
        f"{CREDENTIAL}, SignedHeaders={NAMES}, Signature=ab",
        f"{CREDENTIAL},SignedHeaders=,Signature=ab",
        f"{CREDENTIAL},SignedHeaders={NAMES};,Signature=ab",
        f"{CREDENTIAL},SignedHeaders={NAMES.upper()},Signature=ab",
        f"{CREDENTIAL},SignedHeaders=x-acs-version;{NAMES},Signature=ab",
        f"{CREDENTIAL},SignedHeaders={NAMES};z-not-sent,Signature=ab",
        f"{CREDENTIAL},SignedHeaders={NAMES.replace('host;', '')},Signature=ab",
        f"{CREDENTIAL},SignedHeaders={NAMES.replace('content-type;', '')},Signature=ab",
        f"{CREDENTIAL},SignedHeaders={NAMES.replace('x-acs-action;', '')},Signature=ab",
        f"{CREDENTIAL},Signature=ab,SignedHeaders={NAMES}",
        pytest.param(CREDENTIAL * 10_000, id="very long"),
    ],
)
def test_a_newer_authorization_that_leaves_something_out_is_incomplete(authorization: str) -> None:
    """A part of it, or a header that must be signed."""
    asked = request(NEWER | {"authorization": authorization})
    assert code(verdict(asked)) == (400, "IncompleteSignature")


def test_a_signed_header_that_came_twice_is_refused() -> None:
    """Also if the header need not be signed."""
    asked = signed_newer()
    twice = attrs.evolve(asked, fields=(*asked.fields, ("user-agent", "another")))
    assert code(verdict(twice)) == (400, "IncompleteSignature")
