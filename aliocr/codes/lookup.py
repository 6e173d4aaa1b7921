"""Finding the words for a code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from aliocr.codes.explanation import Explanation
from aliocr.codes.gateway import FINDINGS, GATEWAY_WORDS, OUTSIDE_WORDS, SIGNATURE
from aliocr.codes.in_body import IN_BODY_WORDS, TOO_LARGE

OF_THE_SERVICE = dict[int | str, Explanation]([*IN_BODY_WORDS.items(), *GATEWAY_WORDS.items()])
WORDS = dict[int | str, Explanation]([*OF_THE_SERVICE.items(), *OUTSIDE_WORDS.items()])

# If the message of code 480 names a size limit, every try of the picture fails. The only such
# message seen so far is `GIF_TOO_MUCH_PIXELS`.
_NAMES_A_LIMIT = re.compile(r"TOO_|too (much|many|large|big)|exceed|limit", re.IGNORECASE)


def names_a_limit(code: int | str, message: str) -> bool:
    """Tell whether a download failed because of a size limit."""
    return code == 480 and _NAMES_A_LIMIT.search(message) is not None


def families(code: str) -> Iterator[str]:
    """Yield a code, then the codes that it is a detail of: the most specific first."""
    yield code
    while "." in code:
        code = code.rpartition(".")[0]
        yield code
    if code[:7].casefold() == "missing":
        yield "Missing"


def explanation(code: int | str, message: str = "") -> Explanation | None:
    """Return the words for a code; None for an unknown code.

    Args:
        code: The code: an int in a body, a string from the gateway.
        message: The message of the service: some messages tell more than the code.
    """
    if isinstance(code, int):
        return TOO_LARGE if names_a_limit(code, message) else IN_BODY_WORDS.get(code)
    if code == SIGNATURE:
        for finding, words in FINDINGS.items():
            if message.endswith(finding):
                return words
    return next((WORDS[name] for name in families(code) if name in WORDS), None)


def advice_on(code: int | str, message: str = "") -> str:
    """Return the advice on a code in one line; empty for an unknown code."""
    words = explanation(code, message)
    return "" if words is None else words.advice


def typed(text: str) -> int | str | None:
    """Return the code that a person has typed; None if it is unknown.

    A person may type a code or its name, in any case, and a code with details that no table has.
    """
    for name in families(_plain(text)):
        if _plain(str(name)) in _TYPED:
            return _TYPED[_plain(str(name))]
    return None


def near(text: str) -> list[str]:
    """Return the codes and names that look most like a text, three at most."""
    found = get_close_matches(_plain(text), _TYPED, 3, 0.5)
    return list(dict.fromkeys(str(_TYPED[each]) for each in found))


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold().rstrip(".")


_TYPED = {_plain(words.name): code for code, words in WORDS.items() if words.name} | {
    _plain(str(code)): code for code in WORDS
}
