"""The options of a job that decide what a row means, as its journal remembers them.

A job goes on if they mean the same, however they are said: a column that was found in the input is
the same as the column that an option names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

SAID = "said"
"""Name of the options as the user gave them, in the words of the command line. An earlier version
wrote only this text."""

NOT_COMPARED = {SAID, "output-format"}  # the journal has the output's format beside the settings

FOUND = {"column", "id", "format"}
"""What is found in the input; a name is missing as long as it is not known."""


def settings_text(given: Mapping[str, Any], found: Mapping[str, str | None]) -> str:
    """Return the settings as text for a journal.

    Args:
        given: The options by their names on the command line; None if an option was not given.
        found: The same as `FOUND` in the input; `id` is None if there is no column of ids.
    """
    words = {name: word for name, word in given.items() if word is not None}
    return json.dumps({SAID: _said(words)} | words | dict(found))


def disagreement(begun: str, now: str) -> tuple[str, str] | None:
    """Return the options of two settings that disagree, first as begun; None if none does."""
    then, this = _parsed(begun), _parsed(now)
    if then.keys() == {SAID} or this.keys() == {SAID}:
        return None if then[SAID] == this[SAID] else (_words(then[SAID]), _words(this[SAID]))
    names = [
        name
        for name in dict.fromkeys((*then, *this))
        if name not in NOT_COMPARED and _differ(name, then, this)
    ]
    if not names:
        return None
    one, other = ({name: each.get(name) for name in names} for each in (then, this))
    return _words(_said(one)), _words(_said(other))


def _parsed(settings: str) -> dict[str, Any]:
    return dict(json.loads(settings)) if settings.startswith("{") else {SAID: settings}


def _differ(name: str, then: Mapping[str, Any], this: Mapping[str, Any]) -> bool:
    if name in FOUND and not (name in then and name in this):
        return False
    return then.get(name) != this.get(name)


def _said(words: Mapping[str, Any]) -> str:
    given = ((name, word) for name, word in words.items() if word is not None)
    said = " ".join(f"--{name}" if word is True else f"--{name} {word}" for name, word in given)
    # Escape the name of a column that is not valid UTF-8.
    return said.encode("utf-8", "backslashreplace").decode()


def _words(said: str) -> str:
    return said or "no options"
