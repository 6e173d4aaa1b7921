"""Replacement of an output: a draft beside the output, which takes its place in one step.

The journal notes the length of the draft and that it will replace the output. So if the process is
killed meanwhile, the next run completes this.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, BinaryIO

from aliocr.atomic_file import sync_folder
from aliocr.job.output.journal import Journal
from aliocr.job.output.recovery import ending_of, is_known


class Replacement:
    """The draft of an output. A replacement that an earlier run began is completed.

    Raises:
        OSError: From every method: a file cannot be written.
        ValueError: The draft is not of this job; the message says what to do.
    """

    def __init__(self, path: Path, journal: Journal) -> None:
        self._path = path
        self._journal = journal
        self._draft = path.with_name(f".{path.name}.draft")
        if journal.state.replacing:
            self.place()
        self.drop()

    def open(self) -> BinaryIO:
        """Make the draft and open it, but never an existing file or the target of a link."""
        return self._draft.open("xb")

    def facts(self) -> dict[str, Any]:
        """Return the changes of the journal's state; commit them, and then call `place`."""
        if self._path.exists():
            shutil.copymode(self._path, self._draft)
        # Make the name of the draft safe on the disk before the journal refers to the draft.
        sync_folder(self._draft)
        length = self._draft.stat().st_size
        return {"replacing": True, "length": length, "ending": ending_of(self._draft, length)}

    def place(self) -> None:
        """Put the draft in the place of the output, unless this is done already."""
        draft = self._draft
        if draft.is_symlink() or draft.exists():
            if (
                draft.is_symlink()
                or not draft.is_file()
                or not is_known(draft, self._journal.state)
            ):
                raise ValueError(f"{draft} is not the draft of this job: remove it")
            draft.replace(self._path)
            sync_folder(self._path)
        with self._journal.change(replacing=False):
            pass

    def drop(self) -> None:
        """Remove the draft, if there is one."""
        self._draft.unlink(missing_ok=True)
