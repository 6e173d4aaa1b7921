"""The gateway in front of the service: who may pass, checked in its order, refused in its words.

Pure: a request and two times in, a refusal or None out. It forgives only what the vendor's own SDKs
show to be forgiven: no nonce, any content type, query parameters and signed `x-acs-…` headers of
one's own.

Source: "Request structure", "Common parameters", "Signature method", "Public errors".
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import attrs

from aliocr import signing, wire
from aliocr.emulator.account import Account

__all__ = ["Refusal", "Request", "check"]

# Status and words of each code the gateway can say. Those without words in the documents have ours.
# Source: "Public errors"; "Common parameters" for InvalidAction.NotFound; ContentMD5NotMatched, of
# which no page speaks, as reported in aliyun/aliyun-openapi-python-sdk#118.
REFUSALS: dict[str, tuple[int, str]] = {
    "ContentMD5NotMatched": (400, "Specified content md5 is not matched with your request body."),
    "Forbidden": (403, "User not authorized to operate on the specified resource."),
    "Forbidden.RAM": (403, "User not authorized to operate on the specified resource."),
    "IncompleteSignature": (400, "The Authorization header is not of the form acs ID:signature."),
    "InternalError": (500, "The request processing has failed due to some unknown error."),
    "InvalidAccessKeyId.Inactive": (400, "Specified access key is disabled."),
    "InvalidAccessKeyId.NotFound": (404, "Specified access key is not found."),
    "InvalidAction.NotFound": (400, f"x-acs-version must be {signing.API_VERSION}."),
    "InvalidApi.NotFound": (404, "Specified api is not found, please check your url and method."),
    "InvalidParameter.Format": (400, "A parameter is not of the specified format."),
    "InvalidProduct.NotFound": (404, "Cannot find product according to your specified domain."),
    "InvalidProtocol.NeedSsl": (404, "Your request is denied as lack of ssl protect."),
    "InvalidSecurityToken.Expired": (400, "Specified SecurityToken is expired."),
    "InvalidSecurityToken.Malformed": (400, "Specified SecurityToken is malformed."),
    "InvalidSecurityToken.MismatchWithAccessKey": (
        400,
        "Specified SecurityToken mismatch with the AccessKey.",
    ),
    "InvalidSignatureMethod": (400, "x-acs-signature-method must be HMAC-SHA1."),
    "InvalidTimeStamp.Expired": (400, "Specified time stamp or date value is expired."),
    "InvalidTimeStamp.Format": (400, "Specified time stamp or date value is not well formatted."),
    "MissingSecurityToken": (400, "SecurityToken is mandatory for this access key."),
    "ServiceUnavailable": (503, "The request has failed due to a temporary failure."),
    "SignatureDoesNotMatch": (400, "Specified signature is not matched with our calculation."),
    "SignatureNonceUsed": (400, "Specified signature nonce was used already."),
    "Throttling": (400, "Request was denied due to request throttling."),
    "Throttling.Api": (400, "Request was denied due to api flow control."),
    "Throttling.User": (400, "Request was denied due to user flow control."),
    "UnsupportedHTTPMethod": (400, "This http method is not supported."),
}

# The nonce is missing here on purpose: the documents demand it, the vendor's SDK never sends it.
_REQUIRED = (
    "Accept",
    "Authorization",
    "Content-MD5",
    "Content-Type",
    "Date",
    "x-acs-signature-method",
    "x-acs-signature-version",
)


@attrs.frozen
class Refusal:
    """A no to a whole request.

    Args:
        status: HTTP status.
        code: A string from the gateway, an int from the service behind it.
        message: What is wrong.
        retry_after: Seconds after which to come again; None leaves that open.
    """

    status: int
    code: int | str
    message: str
    retry_after: float | None = None

    @classmethod
    def of(cls, code: int | str, message: str = "") -> Refusal:
        """The refusal with the documented status, and words unless given.

        Args:
            code: An int is the envelope's and travels with HTTP 200, a string the gateway's; one
                that is not documented travels with 400.
            message: Instead of the documented words.
        """
        if isinstance(code, int):
            return cls(wire.OK, code, message)
        status, words = REFUSALS.get(code, (400, ""))
        return cls(status, code, message or words)


def _by_lower_name(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@attrs.frozen
class Request:
    """What the gateway looks at. Headers and body, which hold keys to things, are in no repr.

    Args:
        method: In capitals.
        path: As received, without the query.
        query: Names and values, decoded.
        headers: Names in any case.
        body: The whole body.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(converter=_by_lower_name, repr=False)
    body: bytes = attrs.field(repr=False)


def check(request: Request, account: Account, *, now: float, moment: float) -> Refusal | None:
    """The first thing wrong with the request, or None: then it counts against the account's rate.

    Args:
        request: As received.
        account: The one account there is.
        now: Seconds since the epoch, for `Date` and nonces.
        moment: Seconds by a clock that never goes back, for the rate.
    """
    refusal = (
        _check_address(request)
        or _check_headers(request)
        or _check_date(request.headers["date"], now)
        or _check_key(request, account)
        or _check_token(request, account)
        or _check_nonce(request, account, now)
        or _check_signature(request, account)
        or _check_digest(request)
    )
    if refusal is not None:
        return refusal
    # Noted only now that the signature holds, or strangers could use up the account's nonces; and
    # before the rate, because a throttled request has used its own.
    nonce = request.headers.get("x-acs-signature-nonce")
    if nonce is not None:
        account.use_nonce(nonce, now)
    return None if account.accept(moment) else Refusal.of("Throttling.User")


def _check_address(request: Request) -> Refusal | None:
    if request.path != signing.SCAN_PATH:
        return Refusal.of("InvalidApi.NotFound")
    if request.method != "POST":
        return Refusal.of("UnsupportedHTTPMethod")
    if request.headers.get("x-acs-version") != signing.API_VERSION:
        return Refusal.of("InvalidAction.NotFound")
    return None


def _check_headers(request: Request) -> Refusal | None:
    for name in _REQUIRED:
        if not request.headers.get(name.lower(), "").strip():
            words = name.removeprefix("x-acs-").split("-")
            code = "Missing" + "".join(word[0].upper() + word[1:] for word in words)
            return Refusal.of(code, f"{name} is mandatory for this request.")
    if any(not _is_text(value) for value in request.headers.values()):
        return Refusal.of("InvalidParameter.Format", "A header is not UTF-8.")
    if "json" not in request.headers["accept"]:
        # The gateway would go on in XML, whose element names no page shows.
        return Refusal.of("InvalidParameter.Format", "Accept must be application/json.")
    if request.headers["x-acs-signature-method"] != "HMAC-SHA1":
        return Refusal.of("InvalidSignatureMethod")
    if request.headers["x-acs-signature-version"] != "1.0":
        return Refusal.of("InvalidParameter.Format", "x-acs-signature-version must be 1.0.")
    return None


def _is_text(value: str) -> bool:
    """False for the lone surrogates that stand for bytes outside UTF-8: nothing can sign them."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_date(date: str, now: float) -> Refusal | None:
    try:
        sent = parsedate_to_datetime(date).timestamp()
        well_formed = signing.http_date(sent) == date.strip()
    except (ValueError, OverflowError, OSError):
        return Refusal.of("InvalidTimeStamp.Format")
    # The parser takes dates of many kinds; only one of them is the documented.
    if not well_formed:
        return Refusal.of("InvalidTimeStamp.Format")
    if abs(now - sent) > signing.MAX_CLOCK_SKEW:
        return Refusal.of("InvalidTimeStamp.Expired")
    return None


def _split_authorization(request: Request) -> tuple[str, str]:
    """AccessKey id and signature of `acs ID:signature`; empty where there is none."""
    scheme, _, rest = request.headers["authorization"].partition(" ")
    key, _, signature = rest.partition(":")
    return (key, signature) if scheme == "acs" else ("", "")


def _check_key(request: Request, account: Account) -> Refusal | None:
    key, signature = _split_authorization(request)
    if not key or not signature:
        return Refusal.of("IncompleteSignature")
    if key != account.credentials.access_key_id:
        return Refusal.of("InvalidAccessKeyId.NotFound")
    return None


def _check_token(request: Request, account: Account) -> Refusal | None:
    token = account.credentials.security_token
    sent = request.headers.get("x-acs-security-token")
    if sent is None:
        return Refusal.of("MissingSecurityToken") if token is not None else None
    if not _equal(sent, token or ""):
        return Refusal.of("InvalidSecurityToken.MismatchWithAccessKey")
    return None


def _check_nonce(request: Request, account: Account, now: float) -> Refusal | None:
    nonce = request.headers.get("x-acs-signature-nonce")
    if nonce is not None and account.knows_nonce(nonce, now):
        return Refusal.of("SignatureNonceUsed")
    return None


def _check_signature(request: Request, account: Account) -> Refusal | None:
    text = signing.string_to_sign(request.method, request.path, request.query, request.headers)
    expected = signing.signature(account.credentials.access_key_secret, text)
    _, sent = _split_authorization(request)
    if _equal(sent, expected):
        return None
    # The vendor's SDK splits this message at its first colon: an echo that equals its own string
    # tells it that the secret is wrong, and nothing else.
    _, words = REFUSALS["SignatureDoesNotMatch"]
    return Refusal.of("SignatureDoesNotMatch", f"{words} server string to sign is:{text}")


def _check_digest(request: Request) -> Refusal | None:
    if _equal(request.headers["content-md5"], signing.content_md5(request.body)):
        return None
    return Refusal.of("ContentMD5NotMatched")


def _equal(sent: str, expected: str) -> bool:
    """Compare in a time that does not tell how much was right."""
    return hmac.compare_digest(sent.strip().encode(), expected.encode())
