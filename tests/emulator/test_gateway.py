"""The gateway refuses what the service refuses, with its codes, in its order."""

from __future__ import annotations

import attrs
import pytest
from vectors import BODY, DOCUMENTED, KEY, NONCE, TEMPORARY_KEY, TIMESTAMP, VECTORS

from aliocr import signing
from aliocr.credentials import Credentials
from aliocr.emulator.account import Account
from aliocr.emulator.gateway import REFUSALS, Refusal, Request, check
from aliocr.emulator.plan import CODE_NAMES
from aliocr.errors import api_error


def request(
    headers: dict[str, str], query: tuple[tuple[str, str], ...] = (), body: bytes = BODY
) -> Request:
    """A request with these headers, as the gateway sees it."""
    return Request("POST", "/green/image/scan", query, headers, body)


def signed(credentials: Credentials = KEY, **changes: str | None) -> Request:
    """A well-signed request, headers added, changed or (None) taken away before it was signed."""
    headers: dict[str, str] = dict(DOCUMENTED)
    for name, value in changes.items():
        headers.pop(name.replace("_", "-"), None)
        if value is not None:
            headers[name.replace("_", "-")] = value
    text = signing.string_to_sign("POST", "/green/image/scan", (), headers)
    signature = signing.signature(credentials.access_key_secret, text)
    return request(headers | {"Authorization": f"acs {credentials.access_key_id}:{signature}"})


def verdict(
    asked: Request, account: Account | None = None, *, now: float = TIMESTAMP
) -> Refusal | None:
    """What the gateway says of a request, by default to an account that did nothing yet."""
    return check(asked, account or Account(KEY), now=now, moment=0.0)


def code(refusal: Refusal | None) -> tuple[int, int | str] | None:
    """Status and code of a refusal."""
    return None if refusal is None else (refusal.status, refusal.code)


# --- what passes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(VECTORS) - {"B6"}))
def test_what_the_vendors_signers_made_passes(name: str) -> None:
    """Permanent and temporary keys, with and without a nonce, with and without a query."""
    vector = VECTORS[name]
    asked = request(vector.headers | {"Authorization": vector.authorization}, vector.query)
    assert verdict(asked, Account(vector.key)) is None


def test_what_this_library_sends_passes() -> None:
    """The client's own headers, whatever the case of their names."""
    headers = signing.signed_headers(BODY, KEY, timestamp=TIMESTAMP, nonce=NONCE)
    assert verdict(request(headers)) is None
    assert verdict(request({name.upper(): value for name, value in headers.items()})) is None


def test_an_old_spelling_of_the_query_passes() -> None:
    """The vendor's SDKs write ClientInfo; the signature is taken of what arrives."""
    query = (("ClientInfo", '{"ip":"127.0.0.2"}'),)
    text = signing.string_to_sign("POST", "/green/image/scan", query, DOCUMENTED)
    signature = signing.signature(KEY.access_key_secret, text)
    headers = DOCUMENTED | {"Authorization": f"acs {KEY.access_key_id}:{signature}"}
    assert verdict(request(headers, query)) is None


@pytest.mark.parametrize("skew", [-900, 900])
def test_a_clock_wrong_by_15_minutes_passes(skew: float) -> None:
    """The documents allow 15 minutes either way."""
    assert verdict(signed(), now=TIMESTAMP + skew) is None


# --- what does not --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (attrs.evolve(signed(), path="/green/image/scan/"), (404, "InvalidApi.NotFound")),
        (attrs.evolve(signed(), path="/green/image/results"), (404, "InvalidApi.NotFound")),
        (attrs.evolve(signed(), method="GET"), (400, "UnsupportedHTTPMethod")),
        (signed(x_acs_version=None), (400, "InvalidAction.NotFound")),
        (signed(x_acs_version="2017-01-12"), (400, "InvalidAction.NotFound")),
        (signed(Accept=None), (400, "MissingAccept")),
        (request(DOCUMENTED), (400, "MissingAuthorization")),
        (signed(Content_MD5=None), (400, "MissingContentMD5")),
        (signed(Content_Type=None), (400, "MissingContentType")),
        (signed(Date=None), (400, "MissingDate")),
        (signed(x_acs_signature_method=None), (400, "MissingSignatureMethod")),
        (signed(x_acs_signature_version=None), (400, "MissingSignatureVersion")),
        (signed(Accept="*/*"), (400, "InvalidParameter.Format")),
        (signed(x_acs_signature_version="2.0"), (400, "InvalidParameter.Format")),
        (signed(x_acs_signature_method="HMAC-SM3"), (400, "InvalidSignatureMethod")),
        (signed(Date="2017-03-14T06:29:50Z"), (400, "InvalidTimeStamp.Format")),
        (signed(Date="Tue, 14 Mar 2017 06:29:50 +0000"), (400, "InvalidTimeStamp.Format")),
        (signed(Date="Tue, 14 Mar 99999999 06:29:50 GMT"), (400, "InvalidTimeStamp.Format")),
        (signed(Date="yesterday"), (400, "InvalidTimeStamp.Format")),
        (signed(Date="Tue, 14 Mar 2017 06:14:49 GMT"), (400, "InvalidTimeStamp.Expired")),
        (signed(Date="Tue, 14 Mar 2017 06:44:51 GMT"), (400, "InvalidTimeStamp.Expired")),
        (signed(Credentials("other", "secret")), (404, "InvalidAccessKeyId.NotFound")),
        (
            signed(x_acs_security_token="of-another-key"),
            (400, "InvalidSecurityToken.MismatchWithAccessKey"),
        ),
        (signed(Credentials("testAccessKeyId", "wrong")), (400, "SignatureDoesNotMatch")),
        (signed(Content_MD5="AAAAAAAAAAAAAAAAAAAAAA=="), (400, "ContentMD5NotMatched")),
    ],
)
def test_a_refusal_has_the_documented_status_and_code(
    asked: Request, expected: tuple[int, str]
) -> None:
    """What the real service would refuse in production is refused here, in the same words."""
    assert code(verdict(asked)) == expected


@pytest.mark.parametrize(
    "authorization", ["acs testAccessKeyId", "acs :sig", "acs key:", "Basic dTpw", "acs"]
)
def test_an_authorization_of_another_form_is_incomplete(authorization: str) -> None:
    """Half a header is told from a wrong one."""
    asked = request(DOCUMENTED | {"Authorization": authorization})
    assert code(verdict(asked)) == (400, "IncompleteSignature")


WRONGS = {
    "InvalidApi.NotFound": {"path": "/"},
    "UnsupportedHTTPMethod": {"method": "GET"},
    "InvalidAction.NotFound": {"x-acs-version": "1"},
    "MissingAccept": {"Accept": ""},
    "InvalidTimeStamp.Expired": {"Date": "Tue, 14 Mar 2017 05:29:50 GMT"},
    "InvalidAccessKeyId.NotFound": {"id": "another"},
    "InvalidSecurityToken.MismatchWithAccessKey": {"x-acs-security-token": "unknown"},
    "SignatureNonceUsed": {"x-acs-signature-nonce": "used"},
    "SignatureDoesNotMatch": {"secret": "wrong"},
    "ContentMD5NotMatched": {"Content-MD5": "wrong"},
    "Throttling.User": {},
}


@pytest.mark.parametrize("first", WRONGS)
def test_the_first_thing_wrong_is_what_is_said(first: str) -> None:
    """A request wrong from here to the end of the checks is refused for what is checked first."""
    names = list(WRONGS)
    wrong: dict[str, str] = {}
    for name in names[names.index(first) :]:
        wrong |= WRONGS[name]
    account = Account(KEY, 1)
    account.use_nonce("used", TIMESTAMP)
    account.accept(0.0)
    path, method = wrong.pop("path", "/green/image/scan"), wrong.pop("method", "POST")
    key = Credentials(
        wrong.pop("id", "testAccessKeyId"), wrong.pop("secret", "testAccessKeySecret")
    )
    asked = attrs.evolve(signed(key, **wrong), path=path, method=method)
    refusal = verdict(asked, account)
    assert refusal is not None
    assert refusal.code == first


def test_a_wrong_secret_is_answered_with_the_string_that_was_signed() -> None:
    """A user can compare the server's string with the client's own and find what differs."""
    asked = signed(Credentials("testAccessKeyId", "wrong"))
    refusal = verdict(asked)
    assert refusal is not None
    words, _, echoed = refusal.message.partition(":")
    assert words == (
        "Specified signature is not matched with our calculation. server string to sign is"
    )
    assert echoed == signing.string_to_sign("POST", "/green/image/scan", (), asked.headers)


def test_a_body_changed_on_the_way_is_noticed() -> None:
    """The signature covers the checksum alone, so the checksum has to be taken again."""
    changed = attrs.evolve(signed(), body=BODY.replace(b"a.png", b"b.png"))
    assert code(verdict(changed)) == (400, "ContentMD5NotMatched")


def test_a_temporary_key_without_its_token_is_refused() -> None:
    """The token is the third part of the key."""
    asked = signed(TEMPORARY_KEY)
    assert code(verdict(asked, Account(TEMPORARY_KEY))) == (400, "MissingSecurityToken")


def test_the_token_of_another_issue_is_refused() -> None:
    """Id, secret and token must be of one issue."""
    asked = signed(TEMPORARY_KEY, x_acs_security_token="expired")
    expected = (400, "InvalidSecurityToken.MismatchWithAccessKey")
    assert code(verdict(asked, Account(TEMPORARY_KEY))) == expected


def test_bytes_that_are_no_text_are_refused_and_not_a_crash() -> None:
    """A header of garbage gets an answer as well."""
    asked = attrs.evolve(signed(), headers={**signed().headers, "x-acs-odd": "\udcff"})
    assert code(verdict(asked)) == (400, "InvalidParameter.Format")


def test_keys_are_in_no_repr() -> None:
    """A request in a log line shows neither its signature nor its token."""
    shown = repr(signed(TEMPORARY_KEY, x_acs_security_token="testSecurityToken"))
    assert "testSecurityToken" not in shown
    assert "acs " not in shown


# --- nonces and rates -----------------------------------------------------------------------------


def test_a_request_sent_twice_is_refused_the_second_time() -> None:
    """A copy of a request cannot be replayed while its date is good."""
    account = Account(KEY)
    assert verdict(signed(), account) is None
    assert code(verdict(signed(), account)) == (400, "SignatureNonceUsed")
    assert code(verdict(signed(), account, now=TIMESTAMP + 899)) == (400, "SignatureNonceUsed")
    assert verdict(signed(), account, now=TIMESTAMP + 900) is None


def test_a_stranger_cannot_use_up_a_nonce() -> None:
    """Only a request that was signed by the account counts."""
    account = Account(KEY)
    stranger = signed(Credentials("testAccessKeyId", "wrong"))
    assert code(verdict(stranger, account)) == (400, "SignatureDoesNotMatch")
    assert verdict(signed(), account) is None


def test_a_throttled_request_has_used_its_nonce() -> None:
    """Whoever is throttled signs anew."""
    account = Account(KEY, 1)
    assert verdict(signed(x_acs_signature_nonce="first"), account) is None
    assert code(verdict(signed(), account)) == (400, "Throttling.User")
    assert code(verdict(signed(), account)) == (400, "SignatureNonceUsed")


def test_the_eleventh_request_of_a_second_is_throttled() -> None:
    """Ten requests in any one second, wherever the second begins; refused ones do not count."""
    account = Account(KEY, 10)
    assert all(account.accept(0.05 * number) for number in range(10))
    assert not account.accept(0.5)
    assert not account.accept(0.999)
    assert account.accept(1.0)
    assert not account.accept(1.049)
    assert account.accept(1.05)


def test_a_rate_below_one_is_one_in_so_many_seconds() -> None:
    """Half a request a second is one in two."""
    account = Account(KEY, 0.5)
    assert [account.accept(moment) for moment in (0, 1.9, 2, 3.9, 4)] == [1, 0, 1, 0, 1]


def test_without_a_rate_nothing_is_throttled() -> None:
    """For tests of everything else."""
    account = Account(KEY, None)
    assert all(account.accept(0) for _ in range(1000))


@pytest.mark.parametrize("rate", [0, -1, float("inf"), float("nan")])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    """A slip is found where it was made."""
    with pytest.raises(ValueError, match="requests_per_second"):
        Account(KEY, rate)


SAYS = {*REFUSALS, *CODE_NAMES, "MissingContentMD5"}


@pytest.mark.parametrize("says", sorted(SAYS, key=str))
def test_a_client_knows_what_to_make_of_every_code(says: int | str) -> None:
    """Whatever the emulator can say, the library says what to do about it."""
    assert str(api_error(says, "words")) != f"{says} words"
