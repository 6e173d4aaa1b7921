"""Exceptions, as a tree, and the meaning of each code of the service.

    OCRError                       .transient  .request_id  .maybe_charged
    ├── TransportError             the network failed
    │   └── ScanTimeoutError       no answer in time; also a TimeoutError
    ├── ResponseError              the service answered, but not as documented
    ├── OverloadError              too many images wait already; nothing was sent
    └── APIError                   the service refused or failed: .code .message
        ├── AuthError              key, signature, permission, address: raised by every method
        ├── ThrottledError         over the request rate or the image quota
        └── ImageError             this image is the cause
            └── DownloadError      not fetched within 3 s, or not at all

The error of one image is a value, inside a `Failure`. An error of the account is raised. A bad
argument is a plain `ValueError`, raised before anything is sent.
"""

from __future__ import annotations

import re

import attrs

from aliocr.redaction import LONGEST_ID, Secrets, without_queries


class OCRError(Exception):
    """Base class: one `except` covers every failure except bad arguments.

    Attributes:
        transient: True if another try may succeed. The session has already made all tries that it
            may make.
        maybe_charged: True if the request may have run. Then a repeated request may be charged
            again.
        request_id: The service's id of the request, for its support; None if the service sent none.
        retry_after: Seconds after which to ask again; None if the response named no time.
    """

    retry_after: float | None = None

    def __init__(
        self,
        message: str,
        *,
        transient: bool = False,
        maybe_charged: bool = False,
        request_id: str | None = None,
    ) -> None:
        self.message = without_queries(message)
        super().__init__(self.message)
        self.transient = transient
        self.maybe_charged = maybe_charged
        self.request_id = request_id

    def __str__(self) -> str:
        return self._with_request_id(self.message)

    def _with_request_id(self, text: str) -> str:
        return f"{text} (request id {self.request_id})" if self.request_id else text


class TransportError(OCRError):
    """The network failed: no connection, or the connection broke before the response was read."""


class ScanTimeoutError(TransportError, TimeoutError):
    """There was no connection or no complete response in time. Also a `TimeoutError`."""


class ResponseError(OCRError):
    """A response that is not as documented: HTML, a broken body, an image left out."""


class OverloadError(OCRError):
    """More images wait already than the session's `max_waiting`; nothing was sent."""


class APIError(OCRError):
    """A refusal or failure that the service reports with a code.

    Attributes:
        code: The service's code: an int inside a reply (`592`), a string from the gateway in front
            of the service (`"Throttling.User"`). An unknown code is kept unchanged.
        message: The message of the service, without URL queries.
    """

    def __init__(
        self,
        code: int | str,
        message: str,
        *,
        transient: bool = False,
        maybe_charged: bool = False,
        request_id: str | None = None,
    ) -> None:
        super().__init__(
            message, transient=transient, maybe_charged=maybe_charged, request_id=request_id
        )
        self.args = (code, self.message)  # copy and pickle call the class with these
        self.code = code

    def __str__(self) -> str:
        advice = _meaning(self.code, self.message).advice
        text = f"{self.code} {self.message}".rstrip(" .:")
        return self._with_request_id(f"{text}: {advice}" if advice else text)


class AuthError(APIError):
    """The service refuses the account: key, signature, clock, permission, address.

    Every method raises this error immediately, because every other image would fail, too. If the
    service reports the error for one image but reads other images, `scan_many` and `stream` return
    a `Failure` with this error instead.

    Attributes:
        of_image: True if the service reports the error for this image only.
    """

    of_image: bool = False


class ThrottledError(APIError):
    """Over the account's request rate (`Throttling…`) or its image quota (588). Not charged."""


class ImageError(APIError):
    """This image is the cause: its URL, format, size or frames."""


class DownloadError(ImageError):
    """The service could not fetch the image within 3 seconds, or could not fetch it at all."""


@attrs.frozen
class Meaning:
    """The meaning of one code for a client."""

    error: type[APIError]
    advice: str = ""
    transient: bool = False
    maybe_charged: bool = False


# This table is for the code of a whole reply and for the code of an image, because the documents do
# not say which codes come in which of the two places. About charges, the documents say only "the
# actual number of moderated frames". So if a code says that the image was never read, the image
# counts as free.
# Source: "Common error codes".
IN_BODY: dict[int, Meaning] = {
    280: Meaning(APIError, "the image is still being processed", maybe_charged=True),
    400: Meaning(ImageError, "the service does not accept a parameter of this image"),
    401: Meaning(ImageError, "the service considers this URL, or a URL it redirects to, unsafe"),
    403: Meaning(DownloadError, "the image's host refuses the service; make the image public"),
    404: Meaning(
        DownloadError, "no image at this URL; check that it opens from the public Internet"
    ),
    408: Meaning(AuthError, "the account or RAM user lacks permission"),
    480: Meaning(
        DownloadError,
        "check that the address opens from the public Internet, or send a smaller picture",
        transient=True,
    ),
    500: Meaning(APIError, "the service failed", transient=True, maybe_charged=True),
    503: Meaning(APIError, "the service is unavailable", transient=True),
    580: Meaning(APIError, "the service's database failed", transient=True, maybe_charged=True),
    581: Meaning(APIError, "the image was not read within 6 s", transient=True, maybe_charged=True),
    585: Meaning(APIError, "the service's cache failed", transient=True, maybe_charged=True),
    586: Meaning(APIError, "the service's OCR failed", transient=True, maybe_charged=True),
    587: Meaning(APIError, "the service's queue failed", transient=True, maybe_charged=True),
    588: Meaning(
        ThrottledError, "over the account's image quota; request a higher quota", transient=True
    ),
    589: Meaning(ImageError, "the image is larger than 20 MB"),
    590: Meaning(ImageError, "not a readable PNG, JPG, JPEG, BMP, GIF or WEBP"),
    591: Meaning(APIError, "the service is out of connections", transient=True),
    592: Meaning(
        DownloadError, "not downloaded within 3 s; keep images on a fast host", transient=True
    ),
    594: Meaning(ImageError, "the result has expired"),
    595: Meaning(ImageError, "frames could not be captured", transient=True, maybe_charged=True),
    596: Meaning(
        AuthError,
        "the account may not use Content Moderation: activate it, pay overdue bills, or give "
        "the RAM user the policy AliyunYundunGreenWebFullAccess",
    ),
}

_CHANGED = "something on the way (a proxy) changed the request"
_KEY = "check the AccessKey ID and secret, and that the key is enabled"
_CLOCK = "this machine's clock differs from the service's by more than 15 minutes; set it"
_ADDRESS = "this endpoint does not offer image OCR; check endpoint and region"
_TOKEN = "get a new temporary key; its id, secret and token are issued together"  # noqa: S105

# The whole code is looked up first, then the part before its first dot: the gateway adds details to
# a code after a dot. `Missing` stands for MissingDate and other codes that begin with Missing.
# Source: "Common parameters", "Public errors"; for the other codes, the generic gateway pages.
GATEWAY: dict[str, Meaning] = {
    "InvalidAccessKeyId": Meaning(AuthError, _KEY),
    "SignatureDoesNotMatch": Meaning(
        AuthError,
        f"the AccessKey secret is wrong, or {_CHANGED}",
    ),
    "ContentMD5NotMatched": Meaning(AuthError, _CHANGED),
    "Missing": Meaning(AuthError, _CHANGED),
    "UnsupportedHTTPMethod": Meaning(AuthError, _CHANGED),
    "IncompleteSignature": Meaning(AuthError, _KEY),
    "InvalidSignatureMethod": Meaning(AuthError, _ADDRESS),
    "InvalidSecurityToken": Meaning(AuthError, _TOKEN),
    "InvalidSecurityToken.Expired": Meaning(AuthError, _TOKEN, transient=True),
    "MissingSecurityToken": Meaning(AuthError, _TOKEN),
    "InvalidTimeStamp": Meaning(AuthError, _CLOCK),
    "InvalidTimeStamp.Expired": Meaning(AuthError, _CLOCK, transient=True),
    # An earlier copy of the same request has arrived, and may have run.
    "SignatureNonceUsed": Meaning(
        APIError, "the request arrived twice", transient=True, maybe_charged=True
    ),
    "Forbidden": Meaning(
        AuthError,
        "give the RAM user the policy AliyunYundunGreenWebFullAccess, or remove the denying policy",
    ),
    "NoPermission": Meaning(
        AuthError, "give the RAM user the policy AliyunYundunGreenWebFullAccess"
    ),
    "InvalidParameter": Meaning(APIError, _CHANGED),
    "InvalidAction": Meaning(AuthError, _ADDRESS),
    "InvalidApi": Meaning(AuthError, _ADDRESS),
    "InvalidProduct": Meaning(AuthError, _ADDRESS),
    "InvalidProtocol": Meaning(AuthError, "this endpoint requires https"),
    "Throttling": Meaning(ThrottledError, "over the account's request rate", transient=True),
    "InternalError": Meaning(APIError, "the service failed", transient=True, maybe_charged=True),
    "ServiceUnavailable": Meaning(APIError, "the service is unavailable", transient=True),
}

_UNKNOWN = Meaning(APIError, maybe_charged=True)
_NONE = Secrets()

NEVER_RAN = frozenset({408, 421, 425})
"""HTTP statuses with which a proxy or load balancer returns a request that it did not pass on: it
came too slowly, over the wrong connection, or too early. Another try may succeed."""

# If the message of code 480 names a size limit, every try of the picture fails. The only such
# message seen so far is `GIF_TOO_MUCH_PIXELS`.
_NAMES_A_LIMIT = re.compile(r"TOO_|too (much|many|large|big)|exceed|limit", re.IGNORECASE)
_TOO_LARGE = Meaning(DownloadError, "send a smaller picture")


def _meaning(code: int | str, message: str = "") -> Meaning:
    if code == 480 and _NAMES_A_LIMIT.search(message):
        return _TOO_LARGE
    if isinstance(code, int):
        return IN_BODY.get(code, _UNKNOWN)
    family = "Missing" if code.startswith("Missing") else code.partition(".")[0]
    return GATEWAY.get(code) or GATEWAY.get(family, _UNKNOWN)


def advice_on(code: int | str) -> str:
    """Return the advice for a code of the service; empty for an unknown code."""
    return _meaning(code).advice


def api_error(
    code: int | str,
    message: str,
    *,
    request_id: str | None = None,
    status: int = 200,
    secrets: Secrets = _NONE,
) -> APIError:
    """Make the exception for a code of the service; an unknown code makes an `APIError`.

    All texts of the service become errors here or in `undocumented_error`, so that none shows a
    secret or is without a limit.

    Args:
        code: The code: an int in a body, a string from the gateway.
        message: The message of the service.
        request_id: The service's id of the request.
        status: The HTTP status, which matters only for an unknown code.
        secrets: The values that the request held and that no message may show.
    """
    if isinstance(code, str):
        code = secrets.hide(code, LONGEST_ID)
    rule = _meaning(code, message)
    if rule is _UNKNOWN and status == 429:
        # Status 429 is not documented for this product; this is its usual meaning.
        rule = Meaning(ThrottledError, transient=True)
    elif rule is _UNKNOWN and status >= 300:
        failed = status >= 500
        rule = Meaning(APIError, transient=failed or status in NEVER_RAN, maybe_charged=failed)
    if code == "SignatureDoesNotMatch":
        # The service repeats the whole string to sign, which no reader needs.
        message = message.partition("server string to sign is")[0]
    return rule.error(
        code,
        secrets.hide(message),
        transient=rule.transient,
        maybe_charged=rule.maybe_charged,
        request_id=request_id and secrets.hide(request_id, LONGEST_ID),
    )


def undocumented_error(status: int, body: bytes | bytearray, secrets: Secrets = _NONE) -> OCRError:
    """Make the exception for a response without a code: a proxy's page, a redirect, a cut body."""
    start = secrets.hide(body[:1000].decode("utf-8", "replace").strip(), 60)
    text = f"HTTP {status} without a code of the service; the body starts with {start!r}"
    if status == 429:
        return api_error("HTTP 429", "too many requests", status=status)
    if status in (401, 407, 511):
        return AuthError(f"HTTP {status}", "a proxy or gateway before the service requires a login")
    if status in NEVER_RAN:
        return ResponseError(text, transient=True)
    if 300 <= status < 500:
        return ResponseError(f"{text}; check endpoint and proxy")
    return ResponseError(text, transient=True, maybe_charged=True)
