"""How a command that has pictures read ends: whatever happens, in a line at most."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import click

from aliocr.cli.misuse import Misuse
from aliocr.cli.sources import ListingError
from aliocr.errors import AuthError

NUMBERS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def ending() -> Iterator[None]:
    """Whatever the block cannot go on from ends the command; Ctrl-C does, with 130.

    Raises:
        ClickException: With the one line, and the exit code: 2 for misuse, or else 1.
        SystemExit: There is nothing to say, or nobody to say it to.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except (ImportError, ListingError) as error:
        raise Misuse(str(error)) from None
    except AuthError as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has gone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


@contextmanager
def unwound() -> Iterator[None]:
    """Ctrl-C and SIGTERM end the block as an error would, so that it puts away what it began.

    A second one does not hinder that: the block is one that ends soon.

    Raises:
        SystemExit: One came, with the exit code that shells give to it: 130 or 143.
    """
    before = [signal.signal(number, _unwind) for number in NUMBERS]
    try:
        yield
    finally:
        for number, handler in zip(NUMBERS, before, strict=True):
            signal.signal(number, handler)


def _unwind(number: int, _: object) -> NoReturn:
    for each in NUMBERS:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)
