"""Names of the service's codes, and the error of a failed image."""

from __future__ import annotations

from aliocr.codes.in_body import IN_BODY_WORDS
from aliocr.errors import APIError, api_error

CODE_NAMES = {code: words.name for code, words in IN_BODY_WORDS.items()}
"""Text of the field `msg` in an image's answer, by code."""


def image_error(code: int, detail: str = "") -> APIError:
    """Return the error of one image, such as `NOT_FOUND: its host answers HTTP 404`.

    `detail` is the reason of the failure, without the image's URL.
    """
    word = CODE_NAMES[code]
    return api_error(code, f"{word}: {detail}" if detail else word)
