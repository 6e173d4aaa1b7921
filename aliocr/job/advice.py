"""Advice on each kind of failure, for all summaries of failures."""

from __future__ import annotations

from aliocr.codes.lookup import advice_on
from aliocr.job.input.rows import BAD_ROW

ADVICE = {
    BAD_ROW: "the output says what is wrong with each row; list the fixed rows in another file",
    "OverloadError": "too many images waited in the session",
    "ResponseError": "the answer is not from the service, or not as documented; check endpoint and "
    "proxy",
    "ScanTimeoutError": "the service did not answer in time",
    "TransportError": "check the network",
}
"""Advice on errors without a code, by the name of the error's class."""


def advice(kind: str, code: int | str | None) -> str:
    """Return the advice on rows that failed with this kind and code; may be empty.

    Args:
        kind: The name of the error's class; `"BadRow"` for rows that name no image.
        code: The service's code; None if the service gave no code.
    """
    return ADVICE.get(kind, "") if code is None else advice_on(code)
