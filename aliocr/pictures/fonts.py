"""Fonts to write with what was read: which there are, and which of them has a character."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from aliocr.extras import needed

with needed("pictures"):
    from PIL import ImageFont

FOLDERS: dict[str, tuple[str, ...]] = {
    "linux": (
        "~/.local/share/fonts",
        "~/.fonts",
        "/usr/local/share/fonts",
        "/usr/share/fonts",
    ),
    "darwin": (
        "~/Library/Fonts",
        "/Library/Fonts",
        "/System/Library/Fonts",
    ),
    "win32": (
        "~/AppData/Local/Microsoft/Windows/Fonts",
        "C:/Windows/Fonts",
    ),
}
"""Where fonts are, those of the user first; Linux stands for all that is not here."""

DEPTH = 3
"""Folders below each other, at most: distributions sort fonts by format and maker."""

CHINESE_FONTS: tuple[tuple[str, int], ...] = (
    ("NotoSansCJKsc-Regular.otf", 0),
    ("NotoSansSC-Regular.otf", 0),
    ("NotoSansSC-Regular.ttf", 0),
    ("NotoSansCJK-Regular.ttc", 2),
    ("NotoSansCJK-VF.ttc", 2),
    ("NotoSansCJK-VF.otf.ttc", 2),
    ("SourceHanSansSC-Regular.otf", 0),
    ("SourceHanSansCN-Regular.otf", 0),
    ("SourceHanSans.ttc", 2),
    ("SourceHanSans-Regular.ttc", 2),
    ("PingFang.ttc", 0),
    ("Hiragino Sans GB.ttc", 0),
    ("STHeiti Light.ttc", 0),
    ("msyh.ttc", 0),
    ("msyh.ttf", 0),
    ("Deng.ttf", 0),
    ("simhei.ttf", 0),
    ("wqy-microhei.ttc", 0),
    ("wqy-zenhei.ttc", 0),
    ("DroidSansFallbackFull.ttf", 0),
    ("DroidSansFallback.ttf", 0),
    ("Arial Unicode.ttf", 0),
    ("NotoSerifCJK-Regular.ttc", 2),
    ("simsun.ttc", 0),
    ("msjh.ttc", 0),
    ("uming.ttc", 0),
)
"""Files with Chinese, and which of the fonts in each; best first, Simplified Chinese where it is
one of several."""

OTHER_FONTS: tuple[tuple[str, int], ...] = (
    ("YuGothM.ttc", 0),
    ("meiryo.ttc", 0),
    ("malgun.ttf", 0),
    ("AppleSDGothicNeo.ttc", 0),
    ("DejaVuSans.ttf", 0),
    ("LiberationSans-Regular.ttf", 0),
    ("segoeui.ttf", 0),
    ("Arial.ttf", 0),
    ("arial.ttf", 0),
)
"""The same of files with what both those and Pillow's own lack."""

LACKING = "□"
"""Stands for a character that no font has. A font that lacks it as well, as Pillow's own
does, draws its box for anything it lacks."""

MISSING = "\U0010ffff"
"""No character, so that no font has it: what is drawn for it stands for all a font lacks."""

PROBE = 32
"""Pixels high are the glyphs that are compared: so tall that no two are alike."""

DROPPED = {"Cc", "Cf", "Cs"}
"""Categories of what leaves no ink: controls, marks of direction, halves of a character."""


class FontError(ValueError):
    """A file that was to be a font and cannot be used as one; the message names it."""


def installed(fonts: Sequence[tuple[str, int]]) -> Iterator[tuple[Path, int]]:
    """Those of the fonts that this machine has, in their order.

    Folders are listed, and no file in them is opened.
    """
    folders = [Path(name).expanduser() for name in FOLDERS.get(sys.platform, FOLDERS["linux"])]
    there: dict[str, Path] = {}
    for folder in folders:
        for inside, deeper, names in os.walk(folder):
            if len(Path(inside).relative_to(folder).parts) == DEPTH:
                deeper.clear()
            for name in names:
                there.setdefault(name, Path(inside, name))
    for name, index in fonts:
        if name in there:
            yield there[name], index


class Face:
    """One font, in whatever size.

    Args:
        font: In a size to compare glyphs in.
    """

    def __init__(self, font: ImageFont.FreeTypeFont) -> None:
        self._font = font
        self._missing = self._glyph(MISSING)
        self._sizes: dict[int, ImageFont.FreeTypeFont] = {}
        self._had: dict[str, bool] = {}
        self._widths: dict[tuple[str, int], float] = {}

    @classmethod
    def of(cls, path: str | Path, index: int = 0) -> Face:
        """The font in a file.

        Raises:
            OSError: There is none.
        """
        # Without raqm, which not every Pillow has: a drawing looks the same everywhere.
        basic = ImageFont.Layout.BASIC
        return cls(ImageFont.truetype(str(path), PROBE, index, layout_engine=basic))

    @classmethod
    def own(cls) -> Face:
        """Pillow's, which has what English needs.

        Raises:
            ImportError: This Pillow can write nothing.
        """
        font = ImageFont.load_default(PROBE)
        if not isinstance(font, ImageFont.FreeTypeFont):
            raise ImportError("this Pillow was built without FreeType, and cannot write")  # noqa: TRY004
        return cls(font.font_variant(layout_engine=ImageFont.Layout.BASIC))

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        """The font in a size of so many pixels."""
        if size not in self._sizes:
            self._sizes[size] = self._font.font_variant(size=size)
        return self._sizes[size]

    def width(self, character: str, size: int) -> float:
        """How far a character reaches to the next in a size, in pixels."""
        if (character, size) not in self._widths:
            self._widths[character, size] = self.at(size).getlength(character)
        return self._widths[character, size]

    def has(self, character: str) -> bool:
        """Whether the font draws it as something of its own."""
        if character not in self._had:
            glyph = self._glyph(character)
            # A font may draw nothing at all for what it lacks.
            self._had[character] = glyph != self._missing and any(glyph[1])
        return self._had[character]

    def _glyph(self, character: str) -> tuple[tuple[int, int], bytes]:
        mask = self._font.getmask(character, "L")
        return mask.size, bytes(mask)


def plain(text: str) -> str:
    """The text in one line, without what leaves no ink."""
    said = unicodedata.normalize("NFC", " ".join(text.split()))
    return "".join(each for each in said if unicodedata.category(each) not in DROPPED)


class Lettering:
    """Writes in the first font that has it: the given one, one with Chinese, Pillow's, others.

    Fonts are looked for and opened when those before them do not do.

    Args:
        font: A TTF, OTF or TTC file; None for those of this machine alone.

    Attributes:
        own: Pillow's, which is always there and has digits.

    Raises:
        FontError: The given file cannot be used.
    """

    def __init__(self, font: str | Path | None = None) -> None:
        self._faces: list[Face] = []
        if font is not None:
            self._faces.append(_given(font))
        self.own = Face.own()
        self._further = self._others()
        self._chosen: dict[str, Face | None] = {}

    def lacks(self, text: str) -> str:
        """The characters of a plain text that no font has, each once."""
        return "".join(each for each in dict.fromkeys(text) if self._face(each) is None)

    def written(self, text: str) -> str:
        """A plain text with boxes for what no font has; empty if no letter or digit is left."""
        lacking = set(self.lacks(text))
        if lacking and not any(each.isalnum() and each not in lacking for each in text):
            return ""
        return "".join(LACKING if each in lacking else each for each in text)

    def faces(self, text: str) -> tuple[Face, ...]:
        """The font of each character of a text that can be written.

        One font for all of it, if one has all: letters of two are not of one height.
        """
        faces = [self._face(each) or self.own for each in text]
        for only in dict.fromkeys(faces):
            if all(each == " " or only.has(each) for each in text):
                return (only,) * len(faces)
        return tuple(faces)

    def _face(self, character: str) -> Face | None:
        """The first font that has it; None if none does."""
        if character not in self._chosen:
            self._chosen[character] = self.own if character == " " else self._find(character)
        return self._chosen[character]

    def _find(self, character: str) -> Face | None:
        for face in self._faces:
            if face.has(character):
                return face
        for face in self._further:
            self._faces.append(face)
            if face.has(character):
                return face
        return None

    def _others(self) -> Iterator[Face]:
        yield from _openable(CHINESE_FONTS)
        yield self.own
        yield from _openable(OTHER_FONTS)


def _openable(fonts: Sequence[tuple[str, int]]) -> Iterator[Face]:
    for path, index in installed(fonts):
        with suppress(OSError):  # another will do
            yield Face.of(path, index)


def _given(font: str | Path) -> Face:
    indices = dict(CHINESE_FONTS)
    try:
        return Face.of(font, indices.get(Path(font).name, 0))
    except OSError as error:
        if Path(font).is_file() and error.errno is None:
            raise FontError(f"{font} is no font that can be used: give a TTF, OTF or TTC") from None
        reason = error.strerror or "no such file"
        raise FontError(f"cannot read the font {font}: {reason.lower()}") from None
