"""Unpack a compressed input while it is read: gzip, bzip2, xz, and Zstandard by an extra."""

from __future__ import annotations

import io
import os
import stat
import sys
import zlib
from contextlib import nullcontext, suppress
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, cast

from aliocr.extras import needed
from aliocr.job.errors import InputError

ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"

MODULES = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\xfd7zXZ": "lzma",
    b"\x28\xb5\x2f\xfd": ZSTD,
}
"""The module that unpacks a file, by its first bytes. The first bytes decide and not the name,
because browsers and buckets unpack files and keep their names. Each module is imported when it is
needed, because a Python may be built without it."""

SUFFIXES = {".gz", ".bz2", ".xz", ".zst"}
"""Suffixes of compressed files; the suffix before them says the format."""

MOST_MAGIC = max(map(len, MODULES))


def unpacked_name(path: Path) -> Path:
    """Return the name that a file has without compression."""
    return path.with_suffix("") if path.suffix.lower() in SUFFIXES else path


class UnpackedFile:
    """The bytes of a file or a pipe, unpacked if they are compressed.

    Args:
        file: A binary stream, at its beginning.
        name: Name of the input in messages.
        owned: True if `close` shall close this stream.

    Raises:
        ImportError: The module that unpacks the file is missing.
        InputError: The stream cannot be read.

    Attributes:
        stream: The bytes, unpacked.
        module: The module that unpacks them; None if they are not compressed.
        unreadable: The errors of reading the stream.
    """

    def __init__(self, file: BinaryIO, name: str, *, owned: bool) -> None:
        self._owned = owned
        # Without a buffer, each byte of a line would need a system call.
        self._is_own_buffer = not isinstance(file, io.BufferedReader)
        self._file = (
            file
            if isinstance(file, io.BufferedReader)
            else io.BufferedReader(cast("io.RawIOBase", file))
        )
        self._name = name
        self.module: str | None = None
        try:
            first = self._file.peek(MOST_MAGIC)
        except (OSError, ValueError) as error:
            raise self.problem(error, 0) from None
        found = (module for magic, module in MODULES.items() if first.startswith(magic))
        self.module = next(found, None)
        self.stream: BinaryIO = self._file
        damaged: tuple[type[Exception], ...] = ()
        if self.module is not None:
            with needed("zstd") if self.module == ZSTD else nullcontext():
                module = import_module(self.module)
            self.stream = module.open(self._file)
            own = (getattr(module, error, None) for error in ("LZMAError", "ZstdError"))
            damaged = (EOFError, zlib.error, *filter(None, own))
        # A ValueError comes from a stream that was closed.
        self.unreadable: tuple[type[Exception], ...] = (*damaged, OSError, ValueError)

    def problem(self, error: Exception, line: int) -> InputError:
        """Return the error for one of the errors in `unreadable` after this many lines."""
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        # An error of the disk has a number; one of the bytes that are unpacked has none.
        if self.module is not None and getattr(error, "errno", None) is None:
            reason = f"its compressed bytes are cut off or damaged ({reason}); fetch it again"
        return InputError(f"{self._name} cannot be read past line {line:,}: {reason}")

    def share(self, offset: int) -> float | None:
        """Return the share of the bytes that were read, from 0 to 1; None if the size is unknown.

        `offset` is the number of unpacked bytes that were taken.
        """
        try:
            status = os.fstat(self._file.fileno())
            at = offset if self.module is None else self._file.tell()
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        return min(1.0, at / status.st_size) if status.st_size else 1.0

    def close(self) -> None:
        """Close what this object has opened, and the stream if it is owned."""
        with suppress(*self.unreadable):
            if self.stream is not self._file:
                self.stream.close()
            if self._owned:
                self._file.close()
            elif self._is_own_buffer:
                self._file.detach()  # a buffer that is still attached closes the stream later
