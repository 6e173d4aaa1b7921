"""The mark of what was sent: how many images may have been charged if the process is killed now.

The journal must say what a request may cost before the request leaves, and it takes milliseconds to
make that safe on the disk. So the journal speaks of all images that were taken from the list, while
most of them still wait. This file speaks of the images that were sent. One write of microseconds,
right before each request, changes it. It is not made safe on the disk: the system keeps what a
killed process wrote, but not if the machine loses power. So the mark names the start of the system
in which it was written, and does not count after a restart.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

BOOT = Path("/proc/sys/kernel/random/boot_id")
"""Names the start of the system. Only Linux has this file; elsewhere there are no marks."""

SIZE = 64
"""Size of the file in bytes; one write replaces all of it."""


class SentMark:
    """The mark beside a journal, while a job runs and after it was killed.

    An error of the disk removes the mark: then the numbers of the journal count.

    Attributes:
        number: The number written last; None if there is none.
    """

    def __init__(self, journal: Path) -> None:
        self._path = journal.with_name(f"{journal.name}-sent")
        self.number: int | None = None
        self._file = -1
        self._boot = ""
        with suppress(OSError):
            self._boot = BOOT.read_text(encoding="ascii").strip()

    def read(self) -> int | None:
        """Return the number of an earlier run; None if there is none, or the system was restarted.

        Call this before `open`.
        """
        with suppress(OSError, ValueError):
            if self._path.is_file() and not self._path.is_symlink():
                boot, number = self._path.read_text(encoding="ascii").split()
                return int(number) if boot == self._boot else None
        return None

    def open(self, charged_at_most: int) -> None:
        """Begin to write, with this number; an earlier mark is replaced."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
            if self._boot:
                flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
                self._file = os.open(self._path, flags, 0o666)
                self.write(charged_at_most)

    def write(self, charged_at_most: int) -> None:
        """Write a number, so that it is known if the process is killed from now on."""
        if self._file < 0:
            return
        try:
            os.pwrite(self._file, f"{self._boot} {charged_at_most}".ljust(SIZE).encode(), 0)
            self.number = charged_at_most
        except OSError:
            self.close()
            self.remove()

    def close(self) -> None:
        """Write no more."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def remove(self) -> None:
        """Remove the file, because the journal says the same."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
