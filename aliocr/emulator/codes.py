"""An image's refusal: the documented word of its code, and what a person can do about it."""

from __future__ import annotations

from aliocr.emulator.script import CODE_NAMES
from aliocr.errors import APIError, api_error

__all__ = ["image_error"]


def image_error(code: int, detail: str = "") -> APIError:
    """The refusal of one image, as `NOT_FOUND: its host answers HTTP 404`.

    Args:
        code: One that the documents name.
        detail: What the word leaves open, without the image's URL; empty if it leaves nothing.

    Source: "Common error codes".
    """
    word = CODE_NAMES[code]
    return api_error(code, f"{word}: {detail}" if detail else word)
