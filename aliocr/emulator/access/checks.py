"""The gateway in front of the service: who may pass, checked in its order, refused in its words.

Pure: a request and a time in, an account or a refusal out. It forgives only what the vendor's
own SDKs show to be forgiven: no nonce and no checksum with the older signature, any content type,
query parameters and signed `x-acs-…` headers of one's own.

Source: "Request structure", "Common parameters", "Signature method", "Public errors".
"""

from __future__ import annotations

import hmac

from aliocr.emulator.access.account import AccessKey, Account
from aliocr.emulator.access.accounts import Accounts
from aliocr.emulator.access.refusal import Refusal, Refused
from aliocr.emulator.access.request import Request
from aliocr.emulator.access.schemes import Claim, Scheme, scheme_of
from aliocr.protocol import signing

ACTION = "ImageSyncScan"
"""What the path is called where a client names it, as the vendor's SDKs always do."""

_NONCE = "x-acs-signature-nonce"


def signer(request: Request, accounts: Accounts, *, now: float) -> Account | Refusal:
    """The account that signed a request, its body and all; or the first thing wrong.

    Args:
        request: As received.
        accounts: All there are.
        now: Seconds since the epoch by the gateway's clock, for dates and nonces.
    """
    try:
        return _signer(request, accounts, now)
    except Refused as refused:
        return refused.refusal


def check_rate(account: Account, *, moment: float) -> Refusal | None:
    """Why a request of the account's comes too early; None if it does not, and counts now.

    Args:
        account: Its signer.
        moment: Seconds by a clock that never goes back.
    """
    return None if account.accept(moment) else Refusal.of("Throttling.User")


def _signer(request: Request, accounts: Accounts, now: float) -> Account:
    _check_address(request)
    scheme = _check_headers(request)
    _check_date(request, scheme, now)
    claim = scheme.claim(request)
    _check_key_id(request, claim)
    account, key = _known(claim, accounts)
    _check_token(request, key)
    _check_nonce(request, account, now)
    _check_signature(request, scheme, claim, key)
    _check_digests(request, scheme)
    # Noted only now that the signature holds, or strangers could use up the account's nonces; and
    # before the rate, because a throttled request has used its own.
    if _NONCE in request.headers:
        account.use_nonce(request.headers[_NONCE], now)
    return account


def _check_address(request: Request) -> None:
    if request.method != "POST":
        raise Refused("UnsupportedHTTPMethod")
    if request.path != signing.SCAN_PATH:
        raise Refused("InvalidApi.NotFound")
    if request.headers.get("x-acs-version") != signing.API_VERSION:
        raise Refused("InvalidAction.NotFound")
    # Whether it must be there is for the signature to say: by the older one it need not.
    if request.headers.get("x-acs-action", ACTION) != ACTION:
        raise Refused("InvalidAction.NotFound", f"x-acs-action must be {ACTION}.")


def _check_headers(request: Request) -> Scheme:
    _require(request, ("Accept", "Authorization"))
    scheme = scheme_of(request)
    _require(request, scheme.required)
    # Only its absence is what the vendor's SDK shows to be forgiven.
    if _NONCE in request.headers:
        _require(request, (_NONCE,))
    ambiguity = request.ambiguity()
    if ambiguity is not None:
        raise Refused("InvalidParameter.Format", ambiguity)
    scheme.check_parameters(request)
    return scheme


def _require(request: Request, names: tuple[str, ...]) -> None:
    for name in names:
        if not request.headers.get(name.lower(), "").strip():
            words = name.removeprefix("x-acs-").split("-")
            code = "Missing" + "".join(word[0].upper() + word[1:] for word in words)
            raise Refused(code, f"{name} is mandatory for this request.")


def _check_date(request: Request, scheme: Scheme, now: float) -> None:
    try:
        sent = scheme.sent_at(request)
    except ValueError:
        raise Refused("InvalidTimeStamp.Format") from None
    if abs(now - sent) > signing.MAX_CLOCK_SKEW:
        raise Refused("InvalidTimeStamp.Expired")


def _check_key_id(request: Request, claim: Claim) -> None:
    # The vendor's newer SDK sends it with temporary keys. No page names a code.
    if request.headers.get("x-acs-accesskey-id", claim.access_key_id) != claim.access_key_id:
        words = "x-acs-accesskey-id is another AccessKey than that in Authorization."
        raise Refused("InvalidParameter.Format", words)


def _known(claim: Claim, accounts: Accounts) -> tuple[Account, AccessKey]:
    found = accounts.find(claim.access_key_id)
    if found is None:
        raise Refused("InvalidAccessKeyId.NotFound")
    if not found[1].active:
        raise Refused("InvalidAccessKeyId.Inactive")
    return found


def _check_token(request: Request, key: AccessKey) -> None:
    token = key.credentials.security_token
    sent = request.headers.get("x-acs-security-token")
    if sent is None:
        if token is not None:
            raise Refused("MissingSecurityToken")
        return
    # Tokens are of the same characters as keys are: see `Credentials`.
    if not sent or not sent.isascii() or not sent.isprintable() or " " in sent:
        raise Refused("InvalidSecurityToken.Malformed")
    if token is None or not _equal(sent, token):
        raise Refused("InvalidSecurityToken.MismatchWithAccessKey")
    if key.expired:
        raise Refused("InvalidSecurityToken.Expired")


def _check_nonce(request: Request, account: Account, now: float) -> None:
    if _NONCE in request.headers and account.knows_nonce(request.headers[_NONCE], now):
        raise Refused("SignatureNonceUsed")


def _check_signature(request: Request, scheme: Scheme, claim: Claim, key: AccessKey) -> None:
    expected = scheme.signature(key.credentials.access_key_secret, request, claim)
    if not _equal(claim.signature.strip(), expected):
        raise Refused("SignatureDoesNotMatch", scheme.explain(request, claim))


def _check_digests(request: Request, scheme: Scheme) -> None:
    sent = request.headers.get("content-md5")
    if sent is not None and not _equal(sent.strip(), signing.content_md5(request.body)):
        raise Refused("ContentMD5NotMatched")
    scheme.check_digest(request)


def _equal(sent: str, expected: str) -> bool:
    """Compare in a time that does not tell how much was right."""
    return hmac.compare_digest(sent.encode(), expected.encode())
