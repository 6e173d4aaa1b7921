"""A disk that fails at any call: one line, no lock that stays, and the next run goes on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import aliocr
from aliocr.emulator import Emulator
from aliocr.job.errors import JobError
from aliocr.job.job import Job, Retry
from tests.support.working import by_row, quick_emulator, quick_ocr, url, urls

emulator, ocr = quick_emulator, quick_ocr

ROWS = 20


class Disk:
    """Fails at a call about a file of a folder: the first, the second, and so on."""

    def __init__(self, patch: pytest.MonkeyPatch, folder: Path, name: str, fails_at: int) -> None:
        self.calls = 0
        call = getattr(os, name)

        def failing(file: Any, *arguments: Any, **named: Any) -> Any:
            place = Path(f"/proc/self/fd/{file}").readlink() if isinstance(file, int) else file
            if folder in (Path(place), *Path(place).parents):
                self.calls += 1
                if self.calls == fails_at:
                    if name == "close":  # Linux closes the file even if it says an error
                        call(file)
                    raise OSError(28, "No space left on device")
            return call(file, *arguments, **named)

        patch.setattr(os, name, failing)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system does not name files")
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("name", ["write", "fsync", "ftruncate", "replace", "close", "unlink"])
async def test_a_disk_that_fails_at_any_call_is_one_line(
    tmp_path: Path, emulator: Emulator, ocr: aliocr.Session, *, suffix: str, name: str
) -> None:
    """At the beginning, at the end, and while failures are taken out; no row is lost or doubled."""
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    source = urls(tmp_path / "urls.csv", ROWS)
    emulator.fail(url(7), 404)
    said: list[str] = []
    for fails_at in range(1, 50):
        folder = tmp_path / str(fails_at)
        folder.mkdir()
        output = folder / f"results.{suffix}"
        with pytest.MonkeyPatch.context() as patch:
            disk = Disk(patch, folder, name, fails_at)
            for retry in (None, Retry()):
                try:
                    await Job(source, output, retry=retry).run(ocr)
                except JobError as error:
                    said.append(str(error))
                    await Job(source, output, retry=retry).run(ocr)
        await Job(source, output).run(ocr)
        assert set(by_row(output)) == set(range(1, ROWS + 1))
        if disk.calls < fails_at:
            break
    else:
        pytest.fail("the disk never worked")
    assert all("No space left on device" in line and "\n" not in line for line in said)
