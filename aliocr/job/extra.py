"""The extra `parquet`, and the one sentence that is said where it is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["needed"]


@contextmanager
def needed() -> Iterator[None]:
    """Imports in this block are of the extra.

    Raises:
        ImportError: One of them failed; the message names the command that helps.
    """
    try:
        yield
    except ImportError as error:
        raise ImportError("Parquet needs PyArrow: pip install 'aliocr[parquet]'") from error
