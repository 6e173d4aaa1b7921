"""The attributes that a failure or a scan lacks, for type checkers that need to be told.

mypy narrows an outcome by `if outcome.ok:`. pyright, which is the checker of Pylance, narrows it by
`is True`, `isinstance` and `match`, but not by a plain `.ok`, and so it would report every use of
`outcome.text`. Here it reads that a failure has a `text` whose use never gives a value. So the type
of `outcome.text` is that of a scan. At run time the attributes are missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Never

MYPY = False
"""True for mypy alone, which therefore still reports a `.text` for which `.ok` was not tested."""


class NotRead:
    """Base of failures: the attributes that only a picture has that was read."""

    __slots__ = ()

    if TYPE_CHECKING and not MYPY:
        text: Never
        regions: Never
        frames: Never
        lines: Never
        label: Never
        suggestion: Never
        rate: Never
        task_id: Never


class NotFailed:
    """Base of pictures that were read: the attributes that only a failure has."""

    __slots__ = ()

    if TYPE_CHECKING and not MYPY:
        kind: Never
        code: Never
        error: Never
        transient: Never
        maybe_charged: Never
