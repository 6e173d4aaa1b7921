"""The command `aliocr explain`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from aliocr.cli.exits import Misuse
from aliocr.codes.lookup import explanation, near, typed
from aliocr.errors import meaning


@click.command("explain", no_args_is_help=True)
@click.argument("code", nargs=-1, required=True)
def explain(code: Sequence[str]) -> None:
    """Explain a code of the service: what it means, and what to do.

    CODE is as in an error message: 588, Throttling.User, EXCEED_QUOTA, or "HTTP 407".
    """
    text = " ".join(code)
    known = typed(text)
    words = None if known is None else explanation(known)
    if known is None or words is None:
        like = ", ".join(near(text))
        hint = f"like it are: {like}" if like else "read the message that came with it"
        raise Misuse(f"{text!r} is not a known code; {hint}")
    rule = meaning(known)
    again = "aliocr tries again by itself" if rule.transient else "another try would fail, too"
    charged = "the image may be charged" if rule.maybe_charged else "not charged"
    click.echo(f"{known} {words.name}".rstrip())
    click.echo(f"Meaning: {_sentence(words.cause)}")
    click.echo(f"Action: {_sentence(words.action)}")
    click.echo(f"Error: aliocr.{rule.error.__name__}; {again}; {charged}.")


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."
