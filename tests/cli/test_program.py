"""`aliocr --help`, and the help of each command, on terminals of any width."""

import pytest

from tests.support.program import call

pytest.importorskip("click")
pytest.importorskip("rich")

from aliocr.cli.program import COMMANDS

WIDTHS = (40, 52, 80, 120)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_no_help_is_cut_at_any_width(command: str) -> None:
    """Each line fits the terminal, and the words are the same on all terminals."""
    words = set()
    for width in WIDTHS:
        shown = call(*command.split(), "--help", COLUMNS=str(width)).stdout
        assert max(map(len, shown.splitlines())) <= width
        words.add("".join(shown.split()))
    assert len(words) == 1


def test_the_help_shows_what_to_type() -> None:
    """Commands that need no account, and one sentence about each of the others."""
    shown = call("--help", COLUMNS="80").stdout
    assert "\n    aliocr scan --local receipt.png\n" in shown
    for name in COMMANDS:
        sentence = COMMANDS[name].get_short_help_str(200)
        assert " ".join(sentence.split()) in " ".join(shown.split())
