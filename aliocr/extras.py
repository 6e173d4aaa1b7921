"""The extras, and the one sentence that is said where one is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

Extra = Literal["emulator", "parquet", "pictures"]

SENTENCES: dict[Extra, str] = {
    "emulator": "reading pictures needs an OCR engine and Pillow: pip install 'aliocr[emulator]'",
    "parquet": "Parquet needs PyArrow: pip install 'aliocr[parquet]'",
    "pictures": "pictures need Pillow and NumPy: pip install 'aliocr[pictures]', or "
    "pip install 'aliocr[emulator]' to read them as well",
}


@contextmanager
def needed(extra: Extra) -> Iterator[None]:
    """Imports in this block are of an extra.

    Args:
        extra: Its name, as pip has it.

    Raises:
        ImportError: One of them failed; the message names the command that helps.
    """
    try:
        yield
    except ImportError as error:
        raise ImportError(SENTENCES[extra]) from error
