"""Refusals of whole requests.

The codes of the gateway are strings. The codes of the service behind the gateway are numbers.

Source: "Public errors", "Common parameters", "Common error codes".
"""

from __future__ import annotations

import attrs

from aliocr.protocol import signing, wire

# HTTP status and message of each code of the gateway. For some codes the documents have no message,
# so we wrote the message. Source: "Public errors"; "Common parameters" for InvalidAction.NotFound;
# aliyun/aliyun-openapi-python-sdk#118 for ContentMD5NotMatched, which no page of the documents has.
REFUSALS: dict[str, tuple[int, str]] = {
    "ContentMD5NotMatched": (400, "Specified content md5 is not matched with your request body."),
    "Forbidden": (403, "User not authorized to operate on the specified resource."),
    "Forbidden.RAM": (403, "User not authorized to operate on the specified resource."),
    "IncompleteSignature": (400, "The Authorization header is not of a documented form."),
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
    "InvalidSignatureMethod": (400, "Sign by HMAC-SHA1, or by ACS3-HMAC-SHA256."),
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


@attrs.frozen
class Refusal:
    """A refusal of a whole request.

    Args:
        status: HTTP status.
        code: A string if the gateway refuses, an int if the service behind it refuses.
        message: The text for a human reader.
        retry_after: Seconds that the reply asks the client to wait; None if it does not ask.
    """

    status: int
    code: int | str
    message: str
    retry_after: float | None = None

    @classmethod
    def of(cls, code: int | str, message: str = "") -> Refusal:
        """Return the refusal for a code, with the documented status and message.

        Args:
            code: An int is a code of the service, with HTTP 200. A string is a code of the gateway;
                an undocumented string gets HTTP 400.
            message: A text that replaces the documented message.
        """
        if isinstance(code, int):
            return cls(wire.OK, code, message)
        status, words = REFUSALS.get(code, (400, ""))
        return cls(status, code, message or words)


class Refused(Exception):  # noqa: N818
    """A check failed. The arguments are those of `Refusal.of`; `refusal` has the refusal."""

    def __init__(self, code: int | str, message: str = "") -> None:
        self.refusal = Refusal.of(code, message)
        super().__init__(self.refusal.message)
