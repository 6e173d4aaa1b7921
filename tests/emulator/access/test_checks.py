"""The gateway refuses what the service refuses, with its codes, in its order."""

from __future__ import annotations

import attrs
import pytest

from aliocr.credentials import Credentials
from aliocr.emulator.access.account import AccessKey, Account
from aliocr.emulator.access.operations import IMAGE_SCAN
from aliocr.emulator.access.refusal import REFUSALS
from aliocr.emulator.access.request import RawRequest
from aliocr.emulator.codes import CODE_NAMES
from aliocr.errors import api_error
from aliocr.protocol import signing
from tests.support.signed import (
    NEWER,
    SCAN,
    Signer,
    both,
    code,
    request,
    signed,
    signed_newer,
    verdict,
)
from tests.support.vectors import BODY, KEY, NONCE, TEMPORARY_KEY, TIMESTAMP, VECTORS

STRANGER = Credentials("other", "secret")
WRONG_SECRET = Credentials("testAccessKeyId", "wrong")

# --- what passes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_what_the_vendors_signers_made_passes(name: str) -> None:
    """Permanent and temporary keys; with and without a nonce, a checksum, a query."""
    vector = VECTORS[name]
    asked = request(vector.headers | {"Authorization": vector.authorization}, vector.query)
    assert verdict(asked, Account(vector.key)) is None


def test_what_this_library_sends_passes() -> None:
    """The client's own headers, with names in any case."""
    headers = signing.signed_headers(BODY, KEY, timestamp=TIMESTAMP, nonce=NONCE)
    assert verdict(request(headers)) is None
    assert verdict(request({name.upper(): value for name, value in headers.items()})) is None


@both
@pytest.mark.parametrize(
    "query",
    [
        (("ClientInfo", '{"ip":"127.0.0.2"}'),),
        (("clientInfo", '{"userNick":"Zoë & 李 ~ + %"}'), ("RegionId", "cn-shanghai")),
        (("a b", ""), ("a", "1"), ("a", "0")),
    ],
)
def test_any_query_passes_that_is_signed(sign: Signer, query: tuple[tuple[str, str], ...]) -> None:
    """The vendor's SDKs write ClientInfo and add RegionId; the signature is of what arrives."""
    assert verdict(sign(query=query)) is None


@both
@pytest.mark.parametrize(
    "changes",
    [
        {"x-acs-credentials-provider": "static_ak", "x-acs-retry-attempts": "1"},
        {"x-acs-empty": ""},
        {"x-acs-odd": "é 李"},
    ],
)
def test_headers_of_the_clients_own_pass_if_they_are_signed(
    sign: Signer, changes: dict[str, str | None]
) -> None:
    """The vendor's SDKs add some of their own."""
    assert verdict(sign(changes=changes)) is None


@pytest.mark.parametrize(
    ("sign", "changes"),
    [
        (signed, {"x-acs-signature-nonce": None}),
        (signed, {"Content-MD5": None}),
        (signed, {"Content-Type": "application/octet-stream"}),
        (signed, {"Accept": "*/*"}),
        (signed_newer, {"content-type": "text/plain"}),
        (signed_newer, {"content-md5": signing.content_md5(BODY)}),
    ],
)
def test_what_the_vendors_sdks_leave_out_is_not_missed(
    sign: Signer, changes: dict[str, str | None]
) -> None:
    """These SDKs work in production, so the service accepts such requests."""
    assert verdict(sign(changes=changes)) is None


def test_what_need_not_be_signed_may_be_left_unsigned() -> None:
    """The newer signature must cover the host, the content type and all x-acs- headers."""
    must = sorted(set(NEWER) - {"accept", "user-agent"})
    assert verdict(signed_newer(names=must)) is None


@both
@pytest.mark.parametrize("skew", [-900, 900])
def test_a_clock_wrong_by_15_minutes_passes(sign: Signer, skew: float) -> None:
    """The documents allow 15 minutes either way."""
    assert verdict(sign(), now=TIMESTAMP + skew) is None


def test_lines_that_nobody_reads_may_come_twice() -> None:
    """Proxies add such headers."""
    asked = signed()
    more = (*asked.fields, ("via", "a"), ("via", "b"))
    assert verdict(attrs.evolve(asked, fields=more)) is None


# --- the order of the checks ----------------------------------------------------------------------

EARLY = {
    "UnsupportedHTTPMethod": {"method": "GET"},
    "InvalidApi.NotFound": {"path": "/"},
    "InvalidAction.NotFound": {"x-acs-version": "1"},
}
LATE = {
    "InvalidAccessKeyId.NotFound": {"id": "another"},
    "InvalidAccessKeyId.Inactive": {"active": "no"},
    "InvalidSecurityToken.Malformed": {"x-acs-security-token": "is malformed"},
    "InvalidSecurityToken.MismatchWithAccessKey": {"x-acs-security-token": "unknown"},
    "InvalidSecurityToken.Expired": {"expired": "yes"},
    "SignatureNonceUsed": {"x-acs-signature-nonce": "used"},
    "SignatureDoesNotMatch": {"secret": "wrong"},
}
WRONGS = EARLY | {
    "MissingAccept": {"Accept": ""},
    "InvalidTimeStamp.Format": {"Date": "yesterday"},
    "InvalidTimeStamp.Expired": {"Date": "Tue, 14 Mar 2017 05:29:50 GMT"},
    **LATE,
    "ContentMD5NotMatched": {"Content-MD5": "wrong"},
    "Throttling.User": {},
}
NEWER_WRONGS = EARLY | {
    "MissingAccept": {"accept": ""},
    "InvalidTimeStamp.Format": {"x-acs-date": "yesterday"},
    "InvalidTimeStamp.Expired": {"x-acs-date": "2017-03-14T05:29:50Z"},
    **LATE,
    "InvalidParameter.Format": {"x-acs-content-sha256": "wrong"},
    "Throttling.User": {},
}


@pytest.mark.parametrize(
    ("sign", "wrongs", "first"),
    [
        *((signed, WRONGS, first) for first in WRONGS),
        *((signed_newer, NEWER_WRONGS, first) for first in NEWER_WRONGS),
    ],
)
def test_the_first_thing_wrong_is_what_is_said(
    sign: Signer, wrongs: dict[str, dict[str, str]], first: str
) -> None:
    """A request that fails several checks is refused by the first of them."""
    names = list(wrongs)
    token = "testSecurityToken"
    wrong: dict[str, str] = {"x-acs-security-token": token}
    for name in reversed(names[names.index(first) :]):
        wrong |= wrongs[name]
    key = AccessKey(
        Credentials("testAccessKeyId", "testAccessKeySecret", token),
        active="active" not in wrong,
        expired="expired" in wrong,
    )
    account = Account([key], 1)
    account.use_nonce("used", TIMESTAMP)
    account.accept(0.0)
    path, method = wrong.pop("path", SCAN), wrong.pop("method", "POST")
    signer = Credentials(
        wrong.pop("id", "testAccessKeyId"), wrong.pop("secret", "testAccessKeySecret")
    )
    changes = {name: value for name, value in wrong.items() if name not in ("active", "expired")}
    refusal = verdict(attrs.evolve(sign(signer, changes), path=path, method=method), account)
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
    assert echoed == signing.string_to_sign("POST", SCAN, (), asked.headers)


def test_a_wrong_secret_is_answered_with_the_canonical_request() -> None:
    """The newer string to sign is only a checksum, which would not help a user."""
    refusal = verdict(signed_newer(WRONG_SECRET))
    assert code(refusal) == (400, "SignatureDoesNotMatch")
    assert refusal is not None
    assert "server StringToSign is [ACS3-HMAC-SHA256\n" in refusal.message
    assert f"server CanonicalRequest is [POST\n{SCAN}\n\naccept:application/json\n" in (
        refusal.message
    )


@pytest.mark.parametrize(
    ("sign", "expected"),
    [(signed, "ContentMD5NotMatched"), (signed_newer, "SignatureDoesNotMatch")],
)
def test_a_body_changed_on_the_way_is_noticed(sign: Signer, expected: str) -> None:
    """The older signature covers a checksum, which is compared; the newer one covers the body."""
    changed = attrs.evolve(sign(), body=BODY.replace(b"a.png", b"b.png"))
    assert code(verdict(changed)) == (400, expected)


@both
def test_a_header_or_a_query_changed_on_the_way_is_noticed(sign: Signer) -> None:
    """All signed parts are checked."""
    asked = sign(changes={"x-acs-own": "1"}, query=[("a", "1")])
    for changed in (
        attrs.evolve(asked, query_string="a=2"),
        attrs.evolve(asked, fields={**asked.headers, "x-acs-own": "2"}),
    ):
        assert code(verdict(changed)) == (400, "SignatureDoesNotMatch")


@both
def test_a_key_of_nobodys_is_refused(sign: Signer) -> None:
    """The documented status, 404, differs from the status of similar codes."""
    assert code(verdict(sign(STRANGER))) == (404, "InvalidAccessKeyId.NotFound")


@both
def test_a_key_that_is_made_inactive_is_refused(sign: Signer) -> None:
    """A key may be made inactive, and active again, while the service runs."""
    account = Account(KEY)
    account.keys[0].active = False
    assert code(verdict(sign(), account)) == (400, "InvalidAccessKeyId.Inactive")
    account.keys[0].active = True
    assert verdict(sign(), account) is None


@both
def test_a_token_that_has_expired_is_refused(sign: Signer) -> None:
    """A temporary key with its token passes, until the token expires."""
    account = Account(TEMPORARY_KEY)
    asked = sign(TEMPORARY_KEY, {"x-acs-security-token": "testSecurityToken"})
    account.keys[0].expired = True
    assert code(verdict(asked, account)) == (400, "InvalidSecurityToken.Expired")
    account.keys[0].expired = False
    assert verdict(asked, account) is None


def test_a_temporary_key_without_its_token_is_refused() -> None:
    """The token is the third part of the key."""
    asked = signed(TEMPORARY_KEY)
    assert code(verdict(asked, Account(TEMPORARY_KEY))) == (400, "MissingSecurityToken")


def test_the_token_of_another_issue_is_refused() -> None:
    """Id, secret and token must be of one issue."""
    asked = signed(TEMPORARY_KEY, {"x-acs-security-token": "of-before"})
    expected = (400, "InvalidSecurityToken.MismatchWithAccessKey")
    assert code(verdict(asked, Account(TEMPORARY_KEY))) == expected


def test_keys_are_in_no_repr() -> None:
    """A request in a log line shows neither its signature nor its token."""
    shown = repr(signed(TEMPORARY_KEY, {"x-acs-security-token": "testSecurityToken"}))
    shown += repr(Account(TEMPORARY_KEY)) + repr(Account(TEMPORARY_KEY).keys)
    assert "testSecurityToken" not in shown
    assert "testAccessKeySecret" not in shown
    assert "acs " not in shown


# --- nonces and rates -----------------------------------------------------------------------------


@both
def test_a_request_sent_twice_is_refused_the_second_time(sign: Signer) -> None:
    """A copy of a request cannot be replayed while its date is good."""
    account = Account(KEY)
    assert verdict(sign(), account) is None
    assert code(verdict(sign(), account)) == (400, "SignatureNonceUsed")
    assert code(verdict(sign(), account, now=TIMESTAMP + 899)) == (400, "SignatureNonceUsed")
    assert verdict(sign(), account, now=TIMESTAMP + 900) is None


def test_nonces_are_forgotten_by_their_age() -> None:
    """After a change of the clock, too: a nonce of the future does not keep older ones."""
    account = Account(KEY)
    day, hour = 86_400, 3600
    account.use_nonce("of tomorrow", day)
    account.use_nonce("of today", 0)
    assert account.knows_nonce("of today", 899)
    assert not account.knows_nonce("of today", 900)
    account.use_nonce("later", hour)
    account.use_nonce("earlier", 0)
    account.use_nonce("again", 0)
    account.use_nonce("again", hour)
    assert not account.knows_nonce("earlier", hour)
    assert account.knows_nonce("later", hour)
    assert account.knows_nonce("again", hour)
    assert not account.knows_nonce("later", hour + 900)
    for number in range(5000):
        account.use_nonce(f"{number}", 2 * hour + number)
        account.knows_nonce("", 2 * hour + number)
    assert len(account._nonces) == 900


@both
def test_a_stranger_cannot_use_up_a_nonce(sign: Signer) -> None:
    """Only a request that was signed by the account counts."""
    account = Account(KEY)
    assert code(verdict(sign(WRONG_SECRET), account)) == (400, "SignatureDoesNotMatch")
    assert verdict(sign(), account) is None


def test_a_throttled_request_has_used_its_nonce() -> None:
    """A throttled client must sign again."""
    account = Account(KEY, 1)
    assert verdict(signed(changes={"x-acs-signature-nonce": "first"}), account) is None
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
    """Other tests need no rate limit."""
    account = Account(KEY, None)
    assert all(account.accept(0) for _ in range(1000))


@pytest.mark.parametrize("rate", [0, -1, float("inf"), float("nan")])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    """A wrong argument is refused at the call that has it."""
    with pytest.raises(ValueError, match="requests_per_second"):
        Account(KEY, rate)


SAYS = {*REFUSALS, *CODE_NAMES, "MissingContentSha256"}


@pytest.mark.parametrize("says", sorted(SAYS, key=str))
def test_a_client_knows_what_to_make_of_every_code(says: int | str) -> None:
    """The library has advice for every code of the emulator."""
    assert str(api_error(says, "words")) != f"{says} words"


def test_another_operation_is_checked_by_its_own_name() -> None:
    """Vectors E4 and E5: as we sign it, and as the vendor's first SDK does."""
    path, body = signing.UPLOAD_CREDENTIALS_PATH, b"{}"
    ours = signing.signed_headers(body, KEY, timestamp=TIMESTAMP, nonce=NONCE, path=path)
    assert ours["Authorization"] == "acs testAccessKeyId:dW6hyeOMa8uOjdcR+q1UpEGYM6o="
    theirs = {
        "Accept": "application/json",
        "Content-Type": "application/octet-stream",
        "Content-MD5": "mZFLkyvTelC5g8XnyQrpOw==",
        "Date": "Tue, 14 Mar 2017 06:29:50 GMT",
        "x-acs-action": "UploadCredentials",
        "x-acs-region-id": "cn-shanghai",
        "x-acs-signature-method": "HMAC-SHA1",
        "x-acs-signature-version": "1.0",
        "x-acs-version": "2018-05-09",
        "Authorization": "acs testAccessKeyId:VMEK9qfusVMaKbfZolDMDt9wndI=",
    }
    assert verdict(RawRequest("POST", path, "", ours, body)) is None
    assert verdict(RawRequest("POST", path, "RegionId=cn-shanghai", theirs, body)) is None
    scan = RawRequest("POST", SCAN, "RegionId=cn-shanghai", theirs, body)
    assert code(verdict(scan)) == (400, "InvalidAction.NotFound")


def test_operations_count_apart_or_together() -> None:
    """Each has a share of the account's limit, of its own unless told otherwise."""
    often = attrs.evolve(IMAGE_SCAN, action="UploadCredentials", share=2.0)
    apart = Account(KEY, 1)
    assert [apart.accept(0, each) for each in (IMAGE_SCAN, IMAGE_SCAN)] == [True, False]
    assert [apart.accept(0, often) for _ in range(3)] == [True, True, False]
    assert apart.accept(1, IMAGE_SCAN)
    together = Account(KEY, 1, separate_limits=False)
    assert [together.accept(0, each) for each in (often, often, IMAGE_SCAN)] == [True, False, False]
    assert together.described()["separate_limits"] is False
