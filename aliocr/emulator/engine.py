"""The protocol of an OCR engine, and the engine that the extra installs."""

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
"""Minimum confidence of text from the engine, from 0 to 1. Text with a lower confidence is
dropped as noise."""


@attrs.frozen
class Recognized:
    """One piece of text that an engine found, usually a line.

    Args:
        text: The text, not empty.
        x: Left edge, in pixels from the left of the picture.
        y: Upper edge, in pixels from the top of the picture.
        w: Width in pixels.
        h: Height in pixels.
        confidence: Confidence of the text, from 0 to 1.
    """

    text: str
    x: float
    y: float
    w: float
    h: float
    confidence: float


def rate(regions: Iterable[Recognized]) -> float | None:
    """Return the mean confidence of all text, weighted by the length of each region.

    Returns:
        The confidence in percent, with two decimals; None if there is no text.

    Source: documents, "rate".
    """
    weighed = [(len(region.text), region.confidence) for region in regions]
    characters = sum(weight for weight, _ in weighed)
    if not characters:
        return None
    return round(100 * sum(weight * sure for weight, sure in weighed) / characters, 2)


class Engine(Protocol):
    """The protocol of an OCR engine.

    An engine is made in the thread that uses it. Two threads never call it at the same time.
    """

    def recognize(self, picture: Image.Image) -> Sequence[Recognized]:
        """Return the pieces of text in a picture.

        Args:
            picture: The picture, upright and in RGB.

        Returns:
            The pieces in any order, with positions in pixels of this picture; empty if there is no
            text.
        """
        ...


class RapidOCREngine:
    """RapidOCR with the PP-OCRv6 models of its wheel, for Chinese, English and Japanese.

    The engine needs no network. The models load at the first picture, which takes about 0.5 s. An
    engine that has read a page uses 0.5 GB of memory or more. Upside-down text is not read, because
    the model that rotates such text would double the time for a small picture.

    Since version 1.29 onnxruntime sends usage reports to its vendor, also from Linux. To prevent
    these reports, this class sets `ORT_DISABLE_TELEMETRY` for the whole process, unless you set the
    variable yourself. This has no effect if onnxruntime was already imported.

    This class also silences RapidOCR's logger for the whole process, because the logger writes a
    line to the terminal for every picture without text.

    Raises:
        ImportError: The `emulator` extra is not installed.
    """

    def __init__(self) -> None:
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        with needed("emulator"):
            # Without this import a missing runtime would be reported only at the first picture.
            import onnxruntime  # noqa: F401, PLC0415

            from aliocr.emulator.gutters import ColumnOCR  # noqa: PLC0415
        # All options are set here: an option given to one call would also change later calls.
        self._read: Any = ColumnOCR(
            params={
                "Global.log_level": "critical",
                "Global.text_score": CONFIDENCE_CUT,
                "Global.use_cls": False,
                # By default RapidOCR enlarges a picture until its short side has 736 pixels. A
                # strip of 64 x 200 pixels would become 736 x 2300.
                "Det.limit_type": "max",
                "Det.limit_side_len": 960,
                "EngineConfig.onnxruntime.enable_cpu_mem_arena": True,
                # Each engine uses one thread, because several engines run at the same time.
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def recognize(self, picture: Image.Image) -> tuple[Recognized, ...]:
        """Return the lines of text in any order.

        The position of a slanted line is the upright rectangle around it.

        Args:
            picture: The picture in RGB; upside-down lines are not read.
        """
        found = self._read(picture)
        # Without text the result has another class, or its `txts` is None.
        texts = getattr(found, "txts", None)
        if not texts:
            return ()
        pieces: list[Recognized] = []
        for text, corners, score in zip(texts, found.boxes, found.scores, strict=True):
            # The bounding box of the four corners, clipped to the picture.
            (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
            x, y = max(0.0, float(left)), max(0.0, float(top))
            w, h = min(picture.width, float(right)) - x, min(picture.height, float(bottom)) - y
            pieces.append(Recognized(text, x, y, max(0.0, w), max(0.0, h), float(score)))
        return tuple(pieces)
