"""A file is there whole or not at all."""

from __future__ import annotations

import errno
import os
import signal
import stat
from pathlib import Path

import pytest

from aliocr.atomic_file import NOT_SUPPORTED, Draft, sync_folder


def test_a_draft_takes_its_place_in_one_step(tmp_path: Path) -> None:
    """Until then there is what was there; afterwards there is nothing beside it."""
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with Draft(path) as draft:
        draft.file.write(b"new")
        assert path.read_bytes() == b"old"
        draft.place()
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def half_written(draft: Draft, error: BaseException) -> None:
    """It is begun, and then something happens."""
    draft.file.write(b"half")
    raise error


def test_what_is_not_whole_is_gone(tmp_path: Path) -> None:
    """Given up, or ended by an error of any kind."""
    path = tmp_path / "a"
    with Draft(path) as draft:
        draft.file.write(b"half")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyboardInterrupt), Draft(path) as draft:
        half_written(draft, KeyboardInterrupt())
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RuntimeError, match="inside its with block"):
        draft.place()


def test_what_cannot_take_its_place_is_gone(tmp_path: Path) -> None:
    """Where there is a folder, say."""
    path = tmp_path / "a"
    path.mkdir()
    with pytest.raises(OSError, match="directory"), Draft(path) as draft:
        draft.place()
    with pytest.raises(FileNotFoundError), Draft(tmp_path / "nowhere" / "a"):
        pass
    assert list(tmp_path.iterdir()) == [path]
    assert list(path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "O_DIRECTORY"), reason="folders cannot be synced here")
def test_a_folder_that_cannot_be_synced_fails_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job must hear of an error, a draft need not; where no folder can be, there is no error."""
    fsync = os.fsync
    problem = [errno.EIO]

    def refused(file: int) -> None:
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError(problem[0], "not on this drive")
        fsync(file)

    monkeypatch.setattr(os, "fsync", refused)
    with Draft(tmp_path / "a") as draft:
        draft.file.write(b"new")
        draft.place()
    assert (tmp_path / "a").read_bytes() == b"new"
    with pytest.raises(OSError, match="not on this drive"):
        sync_folder(tmp_path / "a")
    for problem[0] in NOT_SUPPORTED:
        sync_folder(tmp_path / "a")


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    """Where it leads is somebody else's."""
    (tmp_path / "mine").write_bytes(b"mine")
    (tmp_path / "a").symlink_to(tmp_path / "mine")
    with Draft(tmp_path / "a") as draft:
        draft.file.write(b"new")
        draft.place()
    assert (tmp_path / "mine").read_bytes() == b"mine"
    assert (tmp_path / "a").read_bytes() == b"new"


def twice_signalled(draft: Draft, number: int) -> None:
    """A process that is told to end while it writes, and once more while it ends."""
    draft.file.write(b"half")
    try:
        os.kill(os.getpid(), number)
    finally:
        os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    """Not even a second one; the exit code is the one that shells give."""
    signals = pytest.importorskip("aliocr.cli.signals")
    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as ended, signals.unwound(), Draft(tmp_path / "a") as draft:
        twice_signalled(draft, number)
    assert ended.value.code == 128 + number
    assert signal.getsignal(number) is before
    assert list(tmp_path.iterdir()) == []
