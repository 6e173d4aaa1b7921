"""The service's codes: the word of each, and an image's failure in it."""

from __future__ import annotations

from aliocr.errors import APIError, api_error

# What an image's answer says besides the code. Source: "Common error codes".
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
    """The failure of one image, as `NOT_FOUND: its host answers HTTP 404`.

    Args:
        code: One that the documents name.
        detail: What the word leaves open, without the image's URL; empty if it leaves nothing.

    Source: "Common error codes".
    """
    word = CODE_NAMES[code]
    return api_error(code, f"{word}: {detail}" if detail else word)
