"""Advice on each kind of failure, for every summary of failures."""

from __future__ import annotations

from aliocr.errors import advice_on
from aliocr.job.input.rows import BAD_ROW

ADVICE = {
    BAD_ROW: "the output says what is wrong with each; list them, mended, in another file",
    "OverloadError": "the session had too much to do",
    "ResponseError": "something else answered, or not as documented; check endpoint and proxy",
    "ScanTimeoutError": "no answer in time",
    "TransportError": "check the network",
}
"""Advice on errors without a code."""


def advice(kind: str, code: int | str | None) -> str:
    """Return the advice on rows that failed in this way; may be empty.

    Args:
        kind: The name of the error's class; `"BadRow"` for rows that name no image.
        code: The service's code, if it gave one.
    """
    return ADVICE.get(kind, "") if code is None else advice_on(code)
