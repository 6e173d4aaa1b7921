"""What reads a picture: the protocol of one method, and the engine the extra installs."""

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
"""Text the engine trusts less than this is taken for noise."""


@attrs.frozen
class Recognized:
    """One piece of text an engine found, usually a line.

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
    """The confidence of all text, each region weighing as much as it has characters.

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
    """Anything that reads text in a picture.

    An engine is made in the thread that uses it and is never called from two threads at once.
    """

    def recognize(self, picture: Image.Image) -> Sequence[Recognized]:
        """The pieces of text in a picture.

        Args:
            picture: Upright, RGB.

        Returns:
            The pieces in any order, in pixels of this picture; empty if it holds no text.
        """
        ...


class RapidOCREngine:
    """RapidOCR with the PP-OCRv6 models of its wheel: Chinese, English, Japanese; no network.

    Its models load at the first picture, which takes about 0.5 s. An instance holds 0.5 GB or more
    once it has read a page. Upside-down text is not read: the model that would turn it doubles
    the time of a small picture.

    Since 1.29 onnxruntime reports its use to its vendor from Linux as well. A library that reads
    pictures offline does not: unless you have set `ORT_DISABLE_TELEMETRY` yourself, it is set here,
    for the whole process. (Too late if onnxruntime was imported before.)

    RapidOCR's logger is silenced for the whole process, because it writes to the terminal by
    itself, a line for every picture without text.

    Raises:
        ImportError: The `emulator` extra is not installed.
    """

    def __init__(self) -> None:
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        with needed("emulator"):
            # RapidOCR alone would miss its runtime at the first picture only.
            import onnxruntime  # noqa: F401, PLC0415
            from rapidocr import RapidOCR  # noqa: PLC0415
        # Options are given here only: one given to a call would stay for all calls after it.
        self._read: Any = RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.text_score": CONFIDENCE_CUT,
                "Global.use_cls": False,
                # By default the short side is scaled up to 736: a strip of 64 x 200 to 736 x 2300.
                "Det.limit_type": "max",
                "Det.limit_side_len": 960,
                "EngineConfig.onnxruntime.enable_cpu_mem_arena": True,
                # One thread each: engines run side by side.
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def recognize(self, picture: Image.Image) -> tuple[Recognized, ...]:
        """The lines of text, in no promised order; a slanted line by its upright bounding box.

        Args:
            picture: RGB; lines it shows upside down are not read.
        """
        found = self._read(picture)
        # Where nothing was read the result is of another class, or holds None.
        texts = getattr(found, "txts", None)
        if not texts:
            return ()
        return tuple(
            _recognized(text, corners, score, picture.size)
            for text, corners, score in zip(texts, found.boxes, found.scores, strict=True)
        )


def _recognized(text: str, corners: Any, score: float, size: tuple[int, int]) -> Recognized:
    """A piece of text in the bounding box of its four corners, clipped to the picture."""
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    x, y = max(0.0, float(left)), max(0.0, float(top))
    w, h = min(size[0], float(right)) - x, min(size[1], float(bottom)) - y
    return Recognized(text, x, y, max(0.0, w), max(0.0, h), float(score))
