"""Names of the service's codes, and the error of a failed image."""

from __future__ import annotations

from aliocr.errors import APIError, api_error

# Text of the field `msg` in an image's answer, by code. Source: documents, "Common error codes".
CODE_NAMES = {
    280: "PROCESSING",
    400: "BAD_REQUEST",
    401: "NOT_ALLOWED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    408: "No permissions.",
    480: "DOWNLOAD_FAILED",
    500: "GENERAL_ERROR",
    503: "ServiceUnavailable",
    580: "DB_FAILED",
    581: "TIMEOUT",
    585: "CACHE_FAILED",
    586: "ALGO_FAILED",
    587: "MQ_FAILED",
    588: "EXCEED_QUOTA",
    589: "TOO_LARGE",
    590: "BAD_FORMAT",
    591: "CONNECTION_POOL_FULL",
    592: "DOWNLOAD_TIMEOUT",
    594: "EXPIRED",
    595: "CATCH_FRAME_FAILED",
    596: "PERMISSION_DENY",
}


def image_error(code: int, detail: str = "") -> APIError:
    """Return the error of one image, such as `NOT_FOUND: its host answers HTTP 404`.

    `detail` is the reason of the failure, without the image's URL.
    """
    word = CODE_NAMES[code]
    return api_error(code, f"{word}: {detail}" if detail else word)
