"""The checks of the gateway in front of the service, in its order, with its codes and messages.

The functions read no clock, and open no file and no connection. The checks differ from the
documents only where the vendor's SDKs need this: a request with the older signature may leave out
the nonce and the checksum. Any request may have any content type, additional query parameters and
additional signed `x-acs-…` headers.

Source: "Request structure", "Common parameters", "Signature method", "Public errors".
"""

from __future__ import annotations

import hmac

from aliocr.emulator.access.account import AccessKey, Account
from aliocr.emulator.access.accounts import Accounts
from aliocr.emulator.access.operations import OPERATIONS, Operation
from aliocr.emulator.access.refusal import Refusal, Refused
from aliocr.emulator.access.request import RawRequest
from aliocr.emulator.access.schemes import Claim, Scheme, find_scheme
from aliocr.protocol import signing

_NONCE = "x-acs-signature-nonce"


def authenticate(request: RawRequest, accounts: Accounts, *, now: float) -> Account | Refusal:
    """Return the account that signed a request, or the refusal of the first check that fails.

    `now` is the time for the checks of date and nonce, in seconds since the epoch.
    """
    try:
        return _run_checks(request, accounts, now)
    except Refused as refused:
        return refused.refusal


def check_rate(account: Account, operation: Operation, *, moment: float) -> Refusal | None:
    """Count a request of the account and return None; above the rate limit, only return a refusal.

    `moment` is in seconds by a monotonic clock.
    """
    return None if account.accept(moment, operation) else Refusal.of("Throttling.User")


def _run_checks(request: RawRequest, accounts: Accounts, now: float) -> Account:
    scheme = _check_form(request)
    try:
        sent = scheme.sent_at(request)
    except ValueError:
        raise Refused("InvalidTimeStamp.Format") from None
    if abs(now - sent) > signing.MAX_CLOCK_SKEW:
        raise Refused("InvalidTimeStamp.Expired")
    claim = scheme.read_claim(request)
    account, key = _find_key(request, claim, accounts)
    nonce = request.headers.get(_NONCE)
    if nonce is not None and account.knows_nonce(nonce, now):
        raise Refused("SignatureNonceUsed")
    expected = scheme.signature(key.credentials.access_key_secret, request, claim)
    if not _equal(claim.signature.strip(), expected):
        raise Refused("SignatureDoesNotMatch", scheme.explain(request, claim))
    md5 = request.headers.get("content-md5")
    if md5 is not None and not _equal(md5.strip(), signing.content_md5(request.body)):
        raise Refused("ContentMD5NotMatched")
    scheme.check_digest(request)
    # A nonce is remembered only after the signature check, so that a client without the key cannot
    # use up nonces of the account. The rate is checked later, so a request above the rate limit has
    # also used its nonce.
    if nonce is not None:
        account.use_nonce(nonce, now)
    return account


def _check_form(request: RawRequest) -> Scheme:
    """Check method, path, version and headers; return the scheme of the signature."""
    if request.method != "POST":
        raise Refused("UnsupportedHTTPMethod")
    operation = OPERATIONS.get(request.path)
    if operation is None:
        raise Refused("InvalidApi.NotFound")
    if request.headers.get("x-acs-version") != signing.API_VERSION:
        raise Refused("InvalidAction.NotFound")
    # This header may be absent, because only the newer signature requires it: `_Acs3.required`.
    if request.headers.get("x-acs-action", operation.action) != operation.action:
        raise Refused("InvalidAction.NotFound", f"x-acs-action must be {operation.action}.")
    _require(request, ("Accept", "Authorization"))
    scheme = find_scheme(request)
    _require(request, scheme.required)
    # The nonce may be absent, because the vendor's SDK sends no nonce. If it is sent, it must not
    # be empty.
    if _NONCE in request.headers:
        _require(request, (_NONCE,))
    ambiguity = request.find_ambiguity()
    if ambiguity is not None:
        raise Refused("InvalidParameter.Format", ambiguity)
    scheme.check_parameters(request)
    return scheme


def _require(request: RawRequest, names: tuple[str, ...]) -> None:
    for name in names:
        if not request.headers.get(name.lower(), "").strip():
            words = name.removeprefix("x-acs-").split("-")
            code = "Missing" + "".join(word[0].upper() + word[1:] for word in words)
            raise Refused(code, f"{name} is mandatory for this request.")


def _find_key(request: RawRequest, claim: Claim, accounts: Accounts) -> tuple[Account, AccessKey]:
    """Return the account and the key that the request names; refuse a bad key or token."""
    # The vendor's newer SDK sends this header with temporary keys. No page names the code for
    # a wrong value.
    if request.headers.get("x-acs-accesskey-id", claim.access_key_id) != claim.access_key_id:
        words = "x-acs-accesskey-id and Authorization name different AccessKeys."
        raise Refused("InvalidParameter.Format", words)
    found = accounts.find(claim.access_key_id)
    if found is None:
        raise Refused("InvalidAccessKeyId.NotFound")
    key = found[1]
    if not key.active:
        raise Refused("InvalidAccessKeyId.Inactive")
    token = key.credentials.security_token
    sent = request.headers.get("x-acs-security-token")
    if sent is None:
        if token is None:
            return found
        raise Refused("MissingSecurityToken")
    # A token may contain the same characters as a key, and no others; see `Credentials`.
    if not sent or not sent.isascii() or not sent.isprintable() or " " in sent:
        raise Refused("InvalidSecurityToken.Malformed")
    if token is None or not _equal(sent, token):
        raise Refused("InvalidSecurityToken.MismatchWithAccessKey")
    if key.expired:
        raise Refused("InvalidSecurityToken.Expired")
    return found


def _equal(sent: str, expected: str) -> bool:
    """Return whether the texts are equal; the time does not show how much of them is equal."""
    return hmac.compare_digest(sent.encode(), expected.encode())
