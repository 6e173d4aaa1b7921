"""Reads a long picture as one picture; the service reads its frames one by one.

The frames of the service cut a long picture into strips, and the cuts go through its letters. Here
the picture is read uncut, or in pieces. Where a cut between two pieces goes through ink, what it
touches is read again, uncut. The frames then get the text that lies in them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain, islice

import attrs
from PIL import Image

from aliocr.emulator.content import Content
from aliocr.emulator.engine import Recognized
from aliocr.emulator.reading.pieces import Cut, cuts, is_tall, pieces
from aliocr.emulator.reading.recognized import (
    Recognize,
    RecognizedFrame,
    combine_frames,
    content_of,
    frame_of,
)
from aliocr.emulator.reading.seams import Box, Seam, transposed
from aliocr.emulator.reading.stack import recognized_together
from aliocr.emulator.reading.stitch import stitch_lines
from aliocr.pictures.picture import (
    PictureFrame,
    count_frames,
    decode,
    strip_boxes,
    whole_frames,
)
from aliocr.text.layout import reading_order


@attrs.frozen
class Parts:
    """The parts of a picture that an engine gets.

    Args:
        frames: The parts, which are decoded one by one.
        combined: Combines the recognized parts, in steps. A step takes no longer than to recognize
            a part. The last step gives the content, the others give None.
    """

    frames: Iterator[PictureFrame]
    combined: Callable[[Sequence[RecognizedFrame], Recognize], Iterator[Content | None]]


def frame_parts(data: bytes, interval: int | None, max_frames: int | None) -> Parts:
    """Return the frames that the service makes of a picture as its parts.

    The arguments and the errors are those of `aliocr.pictures.picture.decode`.
    """
    frames = decode(data, interval=interval, max_frames=max_frames)
    return Parts(frames, partial(_combined, None))


def whole_parts(data: bytes, interval: int | None, max_frames: int | None) -> Parts:
    """Return the parts of a picture that is read as one; of a GIF, its frames.

    The arguments and the errors are those of `aliocr.pictures.picture.decode`.
    """
    frames = whole_frames(data, interval=interval, max_frames=max_frames)
    first = next(frames)
    second = next(frames, None)
    if second is not None or (data.startswith(b"GIF") and count_frames(data).moves):
        moving = chain((first,), () if second is None else (second,), frames)
        return Parts(moving, partial(_combined, (first.width, first.height)))
    strips = strip_boxes(first, interval, max_frames)
    whole = _WholePicture(first, cuts(first.picture), [box for _, box in strips])
    return Parts(pieces(whole.picture, whole.cuts), whole.combined)


def _combined(
    size: tuple[int, int] | None, recognized: Sequence[RecognizedFrame], _: Recognize
) -> Iterator[Content]:
    yield combine_frames(recognized, size)


@attrs.frozen
class _WholePicture:
    """A picture that does not move, its cuts, and the frames that the service would make of it.

    Until the last step all places are in pixels of `picture`, which may have been made smaller.
    """

    frame: PictureFrame
    cuts: Sequence[Cut]
    strips: Sequence[tuple[int, int, int, int]]

    @property
    def picture(self) -> Image.Image:
        """The pixels of the picture."""
        return self.frame.picture

    def combined(
        self, recognized: Sequence[RecognizedFrame], recognize: Recognize
    ) -> Iterator[Content | None]:
        """Yield None after each step in which something was read again, then the content."""
        turn = _common_turn(recognized)
        # Text of a picture that lies on its side runs upwards or downwards.
        along = is_tall(self.picture) == (turn in (90, 270))
        found = self._placed(_joined(recognized, stitch=along and not is_tall(self.picture)))
        read_again: set[Recognized] = set()
        for cut in self.cuts:
            seam = Seam(cut.place, along)
            damage = [
                (box, touching)
                for box, touching in (() if cut.is_blank else seam.damage(found))
                if not touching or not read_again.issuperset(touching)
            ]
            again = self._read([box for box, _ in damage], recognize, along=along)
            for (_, touching), lines in zip(damage, again, strict=True):
                found = seam.mended(found, touching, self._placed(lines))
                read_again.update(self._placed(lines))
            if damage:
                yield None
        found = self._placed(found)
        if self.cuts:
            found = reading_order(found, turn)
        scale, size = self.frame.scale, (self.frame.width, self.frame.height)
        frames = [frame_of(_scaled(_within(found, box), scale), turn) for box in self.strips]
        missed = sum(part.missed for part in recognized)
        found = _scaled(found, scale)
        yield content_of(found, frames if len(frames) > 1 else (), size, turn, missed)

    def _placed(self, lines: Sequence[Recognized]) -> Sequence[Recognized]:
        """Return the lines as in a picture whose pieces are one below the other, and back."""
        return lines if is_tall(self.picture) else [transposed(line) for line in lines]

    def _read(
        self, boxes: Sequence[Box], recognize: Recognize, *, along: bool
    ) -> Iterator[Sequence[Recognized]]:
        """Yield the lines in each of some parts of the picture, which are read again together.

        A line that is too long for an engine is read in pieces.
        """
        parts = [self._part(box, along=along) for box in boxes]
        recognized = iter(recognized_together([*chain.from_iterable(parts)], recognize))
        for part in parts:
            lines = list(islice(recognized, len(part)))
            yield _joined(lines, stitch=along and not is_tall(self.picture))

    def _part(self, box: Box, *, along: bool) -> Sequence[PictureFrame]:
        left, upper, right, lower = box
        if not is_tall(self.picture):
            left, upper, right, lower = upper, left, lower, right
        x, y = int(max(0, left)), int(max(0, upper))
        end, bottom = min(self.picture.width, right), min(self.picture.height, lower)
        part = self.picture.crop((x, y, int(end), int(bottom)))
        return [
            attrs.evolve(piece, x=x + piece.x, y=y + piece.y)
            for piece in pieces(part, cuts(part) if along else ())
        ]


def _scaled(found: Sequence[Recognized], scale: int) -> Sequence[Recognized]:
    """Return lines in pixels of the file; `scale` is that of the frame."""
    if scale == 1:
        return found
    return [
        attrs.evolve(line, x=line.x * scale, y=line.y * scale, w=line.w * scale, h=line.h * scale)
        for line in found
    ]


def _joined(recognized: Sequence[RecognizedFrame], *, stitch: bool) -> Sequence[Recognized]:
    if stitch and len(recognized) > 1:
        return stitch_lines([part.strip for part in recognized])
    return [line for part in recognized for line in part.strip.found]


def _common_turn(recognized: Sequence[RecognizedFrame]) -> int | None:
    """Return the turn of most letters; None if the engine knows no turns."""
    letters: Counter[int | None] = Counter()
    for part in recognized:
        letters[part.turn] += len(part.frame.text)
    ((turn, _),) = letters.most_common(1)
    return turn


def _within(found: Sequence[Recognized], box: tuple[int, int, int, int]) -> Sequence[Recognized]:
    """Return the lines whose centres are in a box."""
    left, upper, right, lower = box
    return [
        line
        for line in found
        if left <= line.x + line.w / 2 < right and upper <= line.y + line.h / 2 < lower
    ]
