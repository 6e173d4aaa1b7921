"""OCR engines: the protocol with one method, and the engine that the extra installs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from aliocr.extras import needed

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Engine", "RapidOCREngine", "Recognized", "rate"]

CONFIDENCE_CUT = 0.5
"""Lowest confidence of text from the engine; text below it is dropped as noise."""


@attrs.frozen
class Recognized:
    """One piece of text that an engine found, usually a line.

    Args:
        text: The text, not empty.
        x: Left edge, in pixels from the left of the picture.
        y: Upper edge, in pixels from the top of the picture.
        w: Width in pixels.
        h: Height in pixels.
        confidence: From 0 to 1.
    """

    text: str
    x: float
    y: float
    w: float
    h: float
    confidence: float


def rate(regions: Iterable[Recognized]) -> float | None:
    """Return the mean confidence of all text, each region weighted by its characters.

    Returns:
        Percent from 0 to 100, two decimals; None if there is no text.

    Source: documents, "rate".
    """
    weighed = [(len(region.text), region.confidence) for region in regions]
    characters = sum(weight for weight, _ in weighed)
    if not characters:
        return None
    return round(100 * sum(weight * sure for weight, sure in weighed) / characters, 2)


class Engine(Protocol):
    """The protocol of an OCR engine.

    An engine is made in the thread that uses it and is never called from two threads at once.
    """

    def recognize(self, picture: Image.Image) -> Sequence[Recognized]:
        """Return the pieces of text in a picture.

        Args:
            picture: Upright, RGB.

        Returns:
            The pieces in any order, in pixels of this picture; empty if there is no text.
        """
        ...


class RapidOCREngine:
    """RapidOCR with the PP-OCRv6 models of its wheel: Chinese, English, Japanese; no network.

    The models load at the first picture, which takes about 0.5 s. An engine that has read a page
    holds 0.5 GB of memory or more. Upside-down text is not read: the model that would rotate it
    doubles the time of a small picture.

    Since 1.29 onnxruntime sends usage reports to its vendor, also from Linux. A library that works
    offline must not: unless you set `ORT_DISABLE_TELEMETRY` yourself, this class sets it for the
    whole process (too late if onnxruntime was imported before).

    RapidOCR's logger is silenced for the whole process, because it writes a line to the terminal
    for every picture without text.

    Raises:
        ImportError: The `emulator` extra is not installed.
    """

    def __init__(self) -> None:
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        with needed("emulator"):
            # RapidOCR alone would report a missing runtime only at the first picture.
            import onnxruntime  # noqa: F401, PLC0415
            from rapidocr import RapidOCR  # noqa: PLC0415
        # Options are given here only: an option of one call would stay for all later calls.
        self._read: Any = RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.text_score": CONFIDENCE_CUT,
                "Global.use_cls": False,
                # By default the short side is scaled up to 736, a strip of 64 x 200 to 736 x 2300.
                "Det.limit_type": "max",
                "Det.limit_side_len": 960,
                "EngineConfig.onnxruntime.enable_cpu_mem_arena": True,
                # One thread for each engine: engines run side by side.
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def recognize(self, picture: Image.Image) -> tuple[Recognized, ...]:
        """Return the lines of text in any order, a slanted line as its upright bounding box.

        Args:
            picture: RGB; upside-down lines are not read.
        """
        found = self._read(picture)
        # Without text the result is of another class, or holds None.
        texts = getattr(found, "txts", None)
        if not texts:
            return ()
        pieces: list[Recognized] = []
        for text, corners, score in zip(texts, found.boxes, found.scores, strict=True):
            # The four corners' bounding box, clipped to the picture.
            (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
            x, y = max(0.0, float(left)), max(0.0, float(top))
            w, h = min(picture.width, float(right)) - x, min(picture.height, float(bottom)) - y
            pieces.append(Recognized(text, x, y, max(0.0, w), max(0.0, h), float(score)))
        return tuple(pieces)
