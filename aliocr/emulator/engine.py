"""The protocol of an OCR engine, and the engine that the extra installs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

import attrs

from aliocr.extras import needed

if TYPE_CHECKING:
    from PIL import Image

    from aliocr.emulator.lines import SeenLine

__all__ = ["Engine", "Found", "RapidOCREngine", "Recognized", "rate"]

MAX_SIDE_PIXELS = 1 << 20
"""Length that no side of a picture reaches, in pixels."""

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
        confidence: Confidence of the text, from 0 to 1. The engine of the extra lowers it if other
            letters of the picture were seen, but not read.
    """

    text: str
    x: float
    y: float
    w: float
    h: float
    confidence: float


class Found(tuple[Recognized, ...]):  # noqa: SLOT001 - a tuple cannot have slots
    """The pieces of text in a picture, and what an engine says of the picture as a whole.

    Attributes:
        turn: Angle by which the picture must be turned clockwise to be upright: 0, 90, 180 or 270
            degrees. The pieces have positions in the picture that was given.
        missed: Number of letters that were seen but not read.
    """

    turn: int = 0
    missed: float = 0.0


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
            picture: The picture in RGB, as a viewer shows it.

        Returns:
            The pieces in any order, with positions in pixels of this picture; empty if there is no
            text. An engine that reads turned pictures returns a `Found`.
        """
        ...


class RapidOCREngine:
    """RapidOCR with the PP-OCRv6 models of its wheel.

    It reads Chinese, Japanese, and Latin letters with their accents; not Cyrillic, Arabic, Hebrew,
    Thai, Korean, nor more of Greek than its letters in formulas.

    The engine needs no network. The models load at the first picture, which takes about 0.5 s. An
    engine that has read a page uses 0.5 GB of memory or more. A picture that lies on its side or
    upside down is turned and read again.

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

            from aliocr.emulator.lines import LineOCR  # noqa: PLC0415
        # All options are set here: an option given to one call would also change later calls.
        self._ocr = LineOCR(
            params={
                "Global.log_level": "critical",
                # `LineOCR` makes a picture smaller only to find its lines.
                "Global.max_side_len": MAX_SIDE_PIXELS,
                # By default RapidOCR enlarges a picture until its short side has 736 pixels. A
                # strip of 64 x 200 pixels would become 736 x 2300.
                "Det.limit_type": "max",
                "EngineConfig.onnxruntime.enable_cpu_mem_arena": True,
                # Each engine uses one thread, because several engines run at the same time.
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def recognize(self, picture: Image.Image) -> Found:
        """Return the lines of text in any order.

        The position of a slanted line is the upright rectangle around it.

        Args:
            picture: The picture in RGB.
        """
        from aliocr.emulator.lines import sure  # noqa: PLC0415 - needs the extra
        from aliocr.emulator.turning import ROTATIONS, TRUST, likely_turn  # noqa: PLC0415

        lines = self._ocr.lines(picture)
        if turn := likely_turn(lines, self._ocr.read):
            upright = self._ocr.lines(picture.transpose(ROTATIONS[turn]))
            if sure(upright) >= min(TRUST, sure(lines)):
                return _found(upright, picture, turn)
        return _found(lines, picture, 0)


def _found(lines: Sequence[SeenLine], picture: Image.Image, turn: int) -> Found:
    texts = [line for line in lines if line.text and line.confidence >= CONFIDENCE_CUT]
    read, seen = sum(len(line.text) for line in texts), sum(line.letters for line in lines)
    # The recognizer leaves out letters that it does not know. So that a page in another script does
    # not look well read, the confidence of a page is that of all letters that were seen.
    share = read / seen if seen else 0.0
    found = Found(
        Recognized(line.text, *_box(line, picture, turn), share * line.confidence) for line in texts
    )
    found.turn, found.missed = turn, seen - read
    return found


def _box(line: SeenLine, picture: Image.Image, turn: int) -> tuple[float, float, float, float]:
    """Return the upright rectangle around a line of the turned picture, in the given picture."""
    (left, top), (right, bottom) = line.corners.min(axis=0), line.corners.max(axis=0)
    match turn:
        case 90:
            left, top, right, bottom = top, picture.height - right, bottom, picture.height - left
        case 180:
            left, right = picture.width - right, picture.width - left
            top, bottom = picture.height - bottom, picture.height - top
        case 270:
            left, top, right, bottom = picture.width - bottom, left, picture.width - top, right
        case _:
            pass
    x, y = max(0.0, float(left)), max(0.0, float(top))
    w, h = min(picture.width, float(right)) - x, min(picture.height, float(bottom)) - y
    return x, y, max(0.0, w), max(0.0, h)
