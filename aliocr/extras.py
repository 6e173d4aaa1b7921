"""The optional extras of the package, and the message that names the command to install one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

Extra = Literal["credentials", "emulator", "parquet", "pdf", "pictures", "zstd"]

SENTENCES: dict[Extra, str] = {
    "credentials": "roles and profiles need a package: pip install 'aliocr[credentials]'",
    "emulator": "reading pictures needs an OCR engine and Pillow: pip install 'aliocr[emulator]'",
    "parquet": "Parquet needs PyArrow: pip install 'aliocr[parquet]'",
    "pdf": "PDFs need pikepdf and Pillow: pip install 'aliocr[pdf]'",
    "pictures": "pictures need Pillow and NumPy: pip install 'aliocr[pictures]', or "
    "pip install 'aliocr[emulator]' to read them as well",
    "zstd": "Zstandard needs a package before Python 3.14: pip install 'aliocr[zstd]'",
}


@contextmanager
def needed(extra: Extra) -> Iterator[None]:
    """Turn a failed import in this block into a message that names the missing extra.

    Args:
        extra: The name of the extra, as pip knows it.

    Raises:
        ImportError: An import failed; the message has the command that installs the extra.
    """
    try:
        yield
    except ImportError as error:
        raise ImportError(SENTENCES[extra]) from error
