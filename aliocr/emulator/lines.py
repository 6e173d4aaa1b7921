"""Finds and reads the lines of a picture, and measures how much of what was seen was also read.

The recognizer leaves out letters that it does not know, and its confidence is that of the others
alone: a page in Cyrillic gets 85 % for the few letters that look Latin. So the ink of each line is
compared with the places of the letters that were read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import attrs
import cv2
import numpy as np
from rapidocr import RapidOCR
from rapidocr.ch_ppocr_rec import TextRecInput
from rapidocr.main import RapidOCRError
from rapidocr.utils.process_img import map_boxes_to_original

from aliocr.emulator.gutters import Boxes, Pixels, at_gutters
from aliocr.text.letters import is_cjk

if TYPE_CHECKING:
    from PIL import Image

USUAL_SIDE = 960
"""Maximum length of the longer side of the picture in which lines are looked for, in pixels."""

MAX_SHRUNK_SIDE = 2_000
"""The same for a picture with small letters; gutters are looked for in a picture of this size."""

MAX_FINE_PIXELS = 2_000_000
"""Maximum size of that picture, in pixels; the detector needs about 250 bytes of memory for each.
"""

LEAST_HEIGHT, FINE_HEIGHT = 14.5, 24
"""If the median height of the boxes in the picture in which lines are looked for is less than the
first number of pixels, lines are looked for again in a larger picture, so that the height becomes
the second number. The boxes of 10 pt type on a page of 1,240 × 1,754 pixels are 16 pixels high."""

FLAT = (0.5, 0.9999)
"""If no line is found, but a share of neighbouring pixels between these two is equal, as on a
screen but not in a photo, the letters may be too small. Above the second the picture is blank."""

STEP = 8
"""Width in pixels of the steps in which the recognizer reads a line that is 48 pixels high."""

LINE_HEIGHT = 48

REACH, CJK_REACH = 2, 5
"""Maximum distance of the ink of a letter from the place where the letter was read, in steps."""

STEPS_A_LETTER = 3.5
"""Mean width of letters, in steps: Latin letters have 2 to 3.3, Chinese 4 to 5.5."""

INK_ROWS = (0.25, 0.65)
"""Part of the height of a line in which ink counts. All letters have ink there; underlines and the
dots of a table of contents have not."""

MIN_INK, MIN_CONTRAST = 0.3, 40
"""Minimum difference of ink from the paper, as a share of the contrast of the line; and minimum
contrast, in levels of grey."""

TALL = 1.5
"""RapidOCR turns a line that is at least so many times as high as wide before it is read."""


@attrs.frozen(eq=False)
class SeenLine:
    """A line, as it was found and read.

    Args:
        corners: The four corners, from the upper left corner, clockwise, in pixels.
        pixels: The line, cut out of the picture. A tall line was turned to the left.
        tall: True for a line that was turned.
        text: The text; may be empty.
        confidence: Mean confidence of the letters of the text, from 0 to 1.
        letters: Number of letters that the line seems to have, at least those of the text.
    """

    corners: Boxes
    pixels: Pixels
    tall: bool
    text: str
    confidence: float
    letters: float

    @property
    def sure(self) -> float:
        """Confidence of the line, from 0 to 1; letters that were not read have none."""
        return self.confidence * len(self.text) / self.letters if self.letters else 0.0


def sure(lines: Sequence[SeenLine]) -> float:
    """Return the mean confidence of the letters of lines, from 0 to 1."""
    letters = sum(line.letters for line in lines)
    return sum(line.sure * line.letters for line in lines) / letters if letters else 0.0


class LineOCR(RapidOCR):
    """RapidOCR that returns what it saw, and that divides lines at gutters before it reads them."""

    def lines(self, picture: Image.Image) -> list[SeenLine]:
        """Find and read the lines of a picture in RGB."""
        pixels, steps = self.preprocess_img(self.load_img(picture))
        try:
            cuts, found = self.detect_and_crop(pixels, steps)
        except RapidOCRError:  # there are no lines
            return []
        boxes: Any = found.boxes
        boxes = map_boxes_to_original(boxes, steps, picture.height, picture.width)
        return self.read(cuts, boxes)

    def read(self, cuts: Sequence[Pixels], boxes: Sequence[Boxes] | None = None) -> list[SeenLine]:
        """Read lines that were cut out, all with their text from left to right."""
        model = self._load_rec_model()  # type: ignore[no-untyped-call]
        read = model(TextRecInput(img=list(cuts), return_word_box=True))
        lines = []
        for at, (cut, said, confidence, places) in enumerate(
            zip(cuts, read.txts, read.scores, read.word_results, strict=True)
        ):
            text = said if said.strip() else ""
            columns = [column for word in places.word_cols or () for column in word]
            letters = len(text) + _missed(cut, text, columns)
            corners = np.zeros((4, 2), np.float32) if boxes is None else boxes[at]
            lines.append(SeenLine(corners, cut, _is_tall(corners), text, confidence, letters))
        return lines

    def _load_det_model(self) -> Any:
        model = super()._load_det_model()  # type: ignore[no-untyped-call]

        def detect(picture: Pixels) -> Any:
            shrunk = _shrunk(picture)
            result = _found(model, shrunk)
            if result.boxes is not None:
                parts = at_gutters(shrunk, result.boxes)
                result.boxes = np.array([part for divided in parts for part in divided])
                result.boxes *= picture.shape[1] / shrunk.shape[1]
                result.scores = [
                    score
                    for divided, score in zip(parts, result.scores, strict=True)
                    for _ in divided
                ]
            return result

        return detect


def _shrunk(picture: Pixels) -> Pixels:
    height, width = picture.shape[:2]
    scale = MAX_SHRUNK_SIDE / max(height, width)
    if scale >= 1:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    shrunk: Any = cv2.resize(picture, size)
    return cast("Pixels", shrunk)


def _found(model: Any, picture: Pixels) -> Any:
    """Return the detector's result; look again more finely if the letters are small."""
    model.limit_side_len = USUAL_SIDE
    result = model(picture)
    side = max(picture.shape[:2])
    if side <= USUAL_SIDE:
        return result
    if result.boxes is None:
        finer = side if _is_flat(picture) else USUAL_SIDE
    else:
        height = float(np.median([min(_sides(box)) for box in result.boxes])) * USUAL_SIDE / side
        finer = int(USUAL_SIDE * FINE_HEIGHT / height) if height < LEAST_HEIGHT else USUAL_SIDE
    finer = min(finer, side, int(side * (MAX_FINE_PIXELS / picture[..., 0].size) ** 0.5))
    if finer > USUAL_SIDE:
        model.limit_side_len = finer
        result = model(picture)
    return result


def _is_flat(picture: Pixels) -> bool:
    least, most = FLAT
    return bool(least < (picture[:, 1:] == picture[:, :-1]).all(axis=-1).mean() < most)


def _sides(corners: Boxes) -> tuple[float, float]:
    """Return width and height of a slanted box."""
    upper_left, upper_right, lower_right, lower_left = corners
    return (
        float(
            max(np.linalg.norm(upper_left - upper_right), np.linalg.norm(lower_right - lower_left))
        ),
        float(
            max(np.linalg.norm(upper_left - lower_left), np.linalg.norm(upper_right - lower_right))
        ),
    )


def _is_tall(corners: Boxes) -> bool:
    width, height = _sides(corners)
    return height >= TALL * width


def _missed(cut: Pixels, text: str, places: Sequence[int]) -> float:
    """Return the number of letters that seem to be missing in the text of a line.

    Args:
        cut: The line.
        text: Its text.
        places: For each character of the text that is not blank, the step where it was read.
    """
    height, width = cut.shape[:2]
    steps = max(1, round(LINE_HEIGHT * width / height / STEP))
    upper, lower = (int(share * height) for share in INK_ROWS)
    part = cut[upper : lower + 1].mean(axis=2)
    contrast = max(MIN_CONTRAST, np.ptp(part))
    ink = (np.abs(part - np.median(part)) > MIN_INK * contrast).any(axis=0)
    inked = np.unique(np.flatnonzero(ink) * steps // width)
    letters = [letter for letter in text if not letter.isspace()]
    reach = np.array([CJK_REACH if is_cjk(letter) else REACH for letter in letters])
    near = np.abs(inked[:, None] - np.array(places)[None, : len(letters)]) <= reach
    return float((~near.any(axis=1)).sum()) / STEPS_A_LETTER
