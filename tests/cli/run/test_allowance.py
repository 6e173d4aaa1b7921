"""How many rows may fail: a number, or a share of all rows."""

import pytest

pytest.importorskip("click")

import click

from aliocr.cli.run.allowance import parsed

WHERE = click.Context(click.Command("run")), click.Option(["--allow-failed"])


@pytest.mark.parametrize(
    ("text", "failed", "rows", "permitted"),
    [
        ("0", 0, 9, True),
        ("0", 1, 9, False),
        ("2", 2, 9, True),
        ("2", 3, 9, False),
        ("1%", 1, 100, True),
        ("1%", 2, 100, False),
        ("1%", 1, 99, False),
        ("0.5%", 5, 1_000, True),
        ("100%", 9, 9, True),
        ("0%", 0, 0, True),
    ],
)
def test_so_many_may_fail_and_no_more(
    text: str, failed: int, rows: int, *, permitted: bool
) -> None:
    """The share is of the rows that have a result."""
    assert parsed(*WHERE, text).permits(failed, rows) == permitted


@pytest.mark.parametrize("text", ["", "-1", "1.5", "%", "101%", "1 %", "few", "１%", "1e3"])
def test_what_is_neither_is_refused(text: str) -> None:
    """The message shows both ways to say it."""
    with pytest.raises(click.BadParameter, match="such as 20, and no share, such as 1%"):
        parsed(*WHERE, text)
