"""Exceptions, as a tree, and which one each code of the service becomes.

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

import attrs

from aliocr.codes.gateway import OTHER_TEXT, SAME_TEXT, SIGNATURE
from aliocr.codes.lookup import advice_on, families, names_a_limit
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
        advice = advice_on(self.code, self.message)
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
    """The consequences of one code for a client; `codes` has the words for people."""

    error: type[APIError]
    transient: bool = False
    maybe_charged: bool = False


# This table is for the code of a whole reply and for the code of an image, because the documents do
# not say which codes come in which of the two places. About charges, the documents say only "the
# actual number of moderated frames". So if a code says that the image was never read, the image
# counts as free.
# Source: "Common error codes".
IN_BODY: dict[int, Meaning] = {
    280: Meaning(APIError, maybe_charged=True),
    400: Meaning(ImageError),
    401: Meaning(ImageError),
    403: Meaning(DownloadError),
    404: Meaning(DownloadError),
    408: Meaning(AuthError),
    411: Meaning(AuthError),
    480: Meaning(DownloadError, transient=True),
    500: Meaning(APIError, transient=True, maybe_charged=True),
    503: Meaning(APIError, transient=True),
    580: Meaning(APIError, transient=True, maybe_charged=True),
    581: Meaning(APIError, transient=True, maybe_charged=True),
    585: Meaning(APIError, transient=True, maybe_charged=True),
    586: Meaning(APIError, transient=True, maybe_charged=True),
    587: Meaning(APIError, transient=True, maybe_charged=True),
    588: Meaning(ThrottledError, transient=True),
    589: Meaning(ImageError),
    590: Meaning(ImageError),
    591: Meaning(APIError, transient=True),
    592: Meaning(DownloadError, transient=True),
    594: Meaning(ImageError),
    595: Meaning(ImageError, transient=True, maybe_charged=True),
    596: Meaning(AuthError),
}

# The most specific code is looked up first; see `families`.
# Source: "Common parameters", "Public errors"; for the other codes, the generic gateway pages.
GATEWAY: dict[str, Meaning] = {
    "InvalidAccessKeyId": Meaning(AuthError),
    "SignatureDoesNotMatch": Meaning(AuthError),
    "ContentMD5NotMatched": Meaning(AuthError),
    "Missing": Meaning(AuthError),
    "UnsupportedHTTPMethod": Meaning(AuthError),
    "IncompleteSignature": Meaning(AuthError),
    "InvalidSignatureMethod": Meaning(AuthError),
    "InvalidSecurityToken": Meaning(AuthError),
    "InvalidSecurityToken.Expired": Meaning(AuthError, transient=True),
    "InvalidTimeStamp": Meaning(AuthError),
    "InvalidTimeStamp.Expired": Meaning(AuthError, transient=True),
    # An earlier copy of the same request has arrived, and may have run.
    "SignatureNonceUsed": Meaning(APIError, transient=True, maybe_charged=True),
    "Forbidden": Meaning(AuthError),
    "NoPermission": Meaning(AuthError),
    "InvalidParameter": Meaning(APIError),
    "InvalidAction": Meaning(AuthError),
    "InvalidApi": Meaning(AuthError),
    "InvalidProduct": Meaning(AuthError),
    "InvalidProtocol": Meaning(AuthError),
    "Throttling": Meaning(ThrottledError, transient=True),
    "InternalError": Meaning(APIError, transient=True, maybe_charged=True),
    "ServiceUnavailable": Meaning(APIError, transient=True),
    # Not of the gateway: of this package, and of what stands before the gateway.
    "NoCredentials": Meaning(AuthError),
    "HTTP 401": Meaning(AuthError),
    "HTTP 403": Meaning(AuthError),
    "HTTP 407": Meaning(AuthError),
    "HTTP 429": Meaning(ThrottledError, transient=True),
    "HTTP 511": Meaning(AuthError),
}

_UNKNOWN = Meaning(APIError, maybe_charged=True)
_NONE = Secrets()

NEVER_RAN = frozenset({408, 421, 425})
"""HTTP statuses with which a proxy or load balancer returns a request that it did not pass on: it
came too slowly, over the wrong connection, or too early. Another try may succeed."""

_TOO_LARGE = Meaning(DownloadError)


def meaning(code: int | str, message: str = "") -> Meaning:
    """Return the consequences of a code; those of an unknown code if no table has it."""
    if names_a_limit(code, message):
        return _TOO_LARGE
    if isinstance(code, int):
        return IN_BODY.get(code, _UNKNOWN)
    return next((GATEWAY[name] for name in families(code) if name in GATEWAY), _UNKNOWN)


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
    rule = meaning(code, message)
    if rule is _UNKNOWN and status == 429:
        # Status 429 is not documented for this product; this is its usual meaning.
        rule = Meaning(ThrottledError, transient=True)
    elif rule is _UNKNOWN and status >= 300:
        failed = status >= 500
        rule = Meaning(APIError, transient=failed or status in NEVER_RAN, maybe_charged=failed)
    finding = ""
    if code == SIGNATURE:
        # The service repeats the whole string to sign, which no reader needs.
        message, _, theirs = message.partition("server string to sign is")
        if theirs and secrets.signed:
            finding = SAME_TEXT if _bare(theirs) == _bare(secrets.signed) else OTHER_TEXT
            message = f"{message.rstrip(' .')}; "
    return rule.error(
        code,
        secrets.hide(message) + finding,
        transient=rule.transient,
        maybe_charged=rule.maybe_charged,
        request_id=request_id and secrets.hide(request_id, LONGEST_ID),
    )


def _bare(text: str) -> str:
    """Return a text without spaces and line ends, and without the signs around a quotation."""
    return "".join(text.split()).strip(":*'\"[]")


def undocumented_error(status: int, body: bytes | bytearray, secrets: Secrets = _NONE) -> OCRError:
    """Make the exception for a response without a code: a proxy's page, a redirect, a cut body."""
    start = secrets.hide(body[:1000].decode("utf-8", "replace").strip(), 60)
    text = f"HTTP {status} without a code of the service; the body starts with {start!r}"
    if status in (401, 407, 429, 511):
        return api_error(f"HTTP {status}", "instead of an answer of the service")
    if status in NEVER_RAN:
        return ResponseError(text, transient=True)
    if 300 <= status < 500:
        return ResponseError(f"{text}; check endpoint and proxy")
    return ResponseError(text, transient=True, maybe_charged=True)
