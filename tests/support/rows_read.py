"""Results of the sample pictures, as a job that read them without a fault would have them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from aliocr import Frame, Region
from aliocr.job.output.result import Read, Result, Unread
from aliocr.report.gallery import Gallery
from aliocr.report.writing import WrittenReport, write_report
from tests.support.truth import SAMPLES, TRUTH


def regions(lines: Iterable[dict[str, Any]]) -> tuple[Region, ...]:
    """The lines of a sample as the service gives them."""
    return tuple(Region(**line) for line in lines)


def sample(name: str, row: int = 1, **changes: Any) -> Result:
    """Return the result of a sample by its ground truth; all frames of a GIF."""
    truth = TRUTH[name]
    fields: dict[str, Any] = {"source": str(SAMPLES / name), "regions": regions(truth["lines"])}
    fields["text"] = " ".join(line["text"] for line in truth["lines"])
    if "frames" in truth:
        fields |= {"interval": 1, "max_frames": 100}
        fields["frames"] = tuple(Frame("", regions(lines)) for lines in truth["frames"])
    return Read(row=row, **(fields | changes))


def said(text: str, row: int = 1, **changes: Any) -> Result:
    """Return a row with this text, in one line of a picture that is nowhere."""
    fields: dict[str, Any] = {"source": f"/nowhere/{row}.png", "text": text}
    return Read(row=row, **(fields | {"regions": (Region(text, 1, 2, 30, 4),)} | changes))


def failed(row: int = 1, code: int | str | None = 592, **changes: Any) -> Result:
    """A row whose image was not read."""
    fields: dict[str, Any] = {"source": f"/nowhere/{row}.png", "kind": "DownloadError"}
    fields |= {"code": code, "request_id": f"id-{row}"}
    fields["error"] = f"{code} slow: keep images on a fast host (request id id-{row})"
    return Unread(row=row, **(fields | changes))


async def written(
    results: Iterable[Result], folder: Path, gallery: Gallery, **options: Any
) -> tuple[Path, WrittenReport]:
    """A report of these, in this folder."""
    page = folder / "out.html"
    return page, await write_report(results, page, gallery, title="out.jsonl", **options)


def files_in(folder: Path) -> set[str]:
    """The names of all that is there."""
    return {each.name for each in folder.iterdir()}
