"""`aliocr explain`: what a code means, and what to do."""

from __future__ import annotations

import pytest

pytest.importorskip("click")
pytest.importorskip("rich")

from aliocr.codes.lookup import WORDS
from aliocr.errors import meaning
from tests.support.program import call


@pytest.mark.parametrize("code", WORDS)
def test_each_code_is_explained(code: int | str) -> None:
    """Its meaning, the action, and what becomes of it in Python."""
    done = call("explain", *str(code).split())
    assert done.returncode == 0
    head, cause, action, error = done.stdout.splitlines()
    assert head == f"{code} {WORDS[code].name}".rstrip()
    assert cause.removeprefix("Meaning: ")[1:] == f"{WORDS[code].cause[1:]}."
    assert action.removeprefix("Action: ")[1:] == f"{WORDS[code].action[1:]}."
    assert error.startswith(f"Error: aliocr.{meaning(code).error.__name__}; ")


def test_an_unknown_code_is_misuse_and_names_near_ones() -> None:
    """With exit code 2."""
    done = call("explain", "Throtling")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: 'Throtling' is not a known code; like it are: Throttling")
    done = call("explain", "\x1b[31m")
    assert done.returncode == 2
    assert "\x1b" not in done.stderr
