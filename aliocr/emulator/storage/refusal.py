"""The errors of object storage, which are XML.

Source: "Error responses" of object storage, and its pages for each EC. The pages do not show the
code of a missing token and of signature version 1; here it is AccessDenied.
"""

from __future__ import annotations

from xml.sax.saxutils import escape

STORAGE_ERRORS: dict[str, tuple[int, str]] = {
    "AccessDenied": (403, "You have no right to access this object."),
    "AccessKeyIdAndSecurityTokenNotMatch": (
        403,
        "The OSS access key id and security token you provided does not match.",
    ),
    "EntityTooLarge": (400, "Your proposed upload exceeds the maximum allowed size."),
    "IncompleteBody": (400, "You did not provide the number of bytes specified by Content-Length."),
    "InternalError": (500, "We encountered an internal error. Please try again."),
    "InvalidAccessKeyId": (403, "The OSS Access Key Id you provided does not exist."),
    "InvalidArgument": (400, "A header is not of the documented form."),
    "InvalidDigest": (400, "The Content-MD5 you specified is invalid."),
    "InvalidObjectName": (400, "The specified object name is not valid."),
    "InvalidSecurityToken": (403, "The security token you provided is invalid."),
    "MethodNotAllowed": (405, "The specified method is not allowed against this resource."),
    "MissingContentLength": (411, "You must provide the Content-Length HTTP header."),
    "NoSuchBucket": (404, "The specified bucket does not exist."),
    "RequestTimeTooSkewed": (
        403,
        "The difference between the request time and the current time is too large.",
    ),
    "RequestTimeout": (400, "The request body did not arrive within the timeout period."),
    "SecurityTokenExpired": (403, "The security token you provided has expired."),
    "ServiceUnavailable": (503, "Please reduce your request rate."),
    "SignatureDoesNotMatch": (
        403,
        "The request signature we calculated does not match the signature you provided.",
    ),
}
"""HTTP status and message for each code."""

ECS = {
    "AccessKeyIdAndSecurityTokenNotMatch": "0002-00000004",
    "InvalidSecurityToken": "0002-00000006",
    "SecurityTokenExpired": "0002-00000007",
}
"""The number of the cause, for the codes that have only one."""

NO_TOKEN = "0002-00000003"  # noqa: S105 (a number of an error)
NO_VERSION_1 = "0002-00000080"


class StorageRefused(Exception):  # noqa: N818
    """The storage refuses a request.

    Args:
        code: One of `STORAGE_ERRORS`.
        message: A text that replaces the documented message.
        ec: The number of the cause; by default that of the code, if it has one.
    """

    def __init__(self, code: str, message: str = "", *, ec: str = "") -> None:
        self.code = code
        self.status, words = STORAGE_ERRORS[code]
        self.message = message or words
        self.ec = ec or ECS.get(code, "")
        super().__init__(self.message)

    def xml(self, request_id: str, host: str) -> bytes:
        """Return the body of the answer."""
        fields = {
            "Code": self.code,
            "Message": self.message,
            "RequestId": request_id,
            "HostId": host,
            "EC": self.ec,
        }
        inside = "".join(
            f"<{name}>{escape(text)}</{name}>" for name, text in fields.items() if text
        )
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inside}</Error>\n'.encode()
