"""Find the fonts of this machine, and the font that has a character."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain
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
"""Folders of fonts, the user's first; Linux also for every other system."""

DEPTH = 3
"""Levels of folders that are searched: distributions sort fonts by format and maker."""

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
"""Font files with Chinese, each with the index of the font in it; best first, and Simplified
Chinese where a file has several."""

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
"""Font files, likewise, for characters that neither the Chinese fonts nor Pillow's own have."""

LACKING = "□"
"""Stands for a character that no font has. A font without it, such as Pillow's own, draws its box
for a missing character instead."""

MISSING = "\U0010ffff"
"""No character, so that no font has it: a font draws the same for every character it lacks."""

PROBE = 32
"""Height of the glyphs that are compared, in pixels: large enough to tell any two apart."""

DROPPED = {"Cc", "Cf", "Cs"}
"""Unicode categories without ink: controls, format characters, surrogates."""


class FontError(ValueError):
    """The given file cannot be used as a font; the message names the file."""


def installed(fonts: Sequence[tuple[str, int]]) -> Iterator[tuple[Path, int]]:
    """Yield the fonts that this machine has, in their order.

    Folders are listed, and no file is opened.
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
    """One font, given in the size `PROBE`, in any size."""

    def __init__(self, font: ImageFont.FreeTypeFont) -> None:
        self._font = font
        self._missing = self._glyph(MISSING)
        self._sizes: dict[int, ImageFont.FreeTypeFont] = {}
        self._had: dict[str, bool] = {}
        self._widths: dict[tuple[str, int], float] = {}

    @classmethod
    def of(cls, path: str | Path, index: int = 0) -> Face:
        """Load the font of a file, or raise OSError."""
        # Without raqm, which not every Pillow has: a drawing looks the same everywhere.
        basic = ImageFont.Layout.BASIC
        return cls(ImageFont.truetype(str(path), PROBE, index, layout_engine=basic))

    @classmethod
    def own(cls) -> Face:
        """Load Pillow's own font, which is enough for English."""
        font = ImageFont.load_default(PROBE)
        if not isinstance(font, ImageFont.FreeTypeFont):
            raise ImportError("this Pillow was built without FreeType, and cannot write")  # noqa: TRY004
        return cls(font.font_variant(layout_engine=ImageFont.Layout.BASIC))

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        """Return the font in a size, in pixels."""
        if size not in self._sizes:
            self._sizes[size] = self._font.font_variant(size=size)
        return self._sizes[size]

    def width(self, character: str, size: int) -> float:
        """Return the advance width of a character in a size, in pixels."""
        if (character, size) not in self._widths:
            self._widths[character, size] = self.at(size).getlength(character)
        return self._widths[character, size]

    def has(self, character: str) -> bool:
        """Return True if the font has a glyph for the character."""
        if character not in self._had:
            glyph = self._glyph(character)
            # A font may draw nothing at all for a missing character.
            self._had[character] = glyph != self._missing and any(glyph[1])
        return self._had[character]

    def _glyph(self, character: str) -> tuple[tuple[int, int], bytes]:
        mask = self._font.getmask(character, "L")
        return mask.size, bytes(mask)


def plain(text: str) -> str:
    """Return the text in one line, without characters that leave no ink."""
    said = unicodedata.normalize("NFC", " ".join(text.split()))
    return "".join(each for each in said if unicodedata.category(each) not in DROPPED)


class Lettering:
    """The fonts to write with, in order: the given font, one with Chinese, Pillow's own, others.

    Each character is written in the first font that has it. A font is opened when the fonts before
    it lack a character.

    Attributes:
        own: Pillow's font, which is always there and has digits.

    Raises:
        FontError: The given file cannot be used.
    """

    def __init__(self, font: str | Path | None = None) -> None:
        self._faces: list[Face] = []
        if font is not None:
            try:
                self._faces.append(Face.of(font, dict(CHINESE_FONTS).get(Path(font).name, 0)))
            except OSError as error:
                if Path(font).is_file() and error.errno is None:
                    raise FontError(
                        f"{font} is no font that can be used: give a TTF, OTF or TTC"
                    ) from None
                reason = error.strerror or "no such file"
                raise FontError(f"cannot read the font {font}: {reason.lower()}") from None
        self.own = Face.own()
        self._further = chain(_openable(CHINESE_FONTS), (self.own,), _openable(OTHER_FONTS))
        self._chosen: dict[str, Face | None] = {}

    def lacks(self, text: str) -> str:
        """Return the characters of a plain text that no font has, each once."""
        return "".join(each for each in dict.fromkeys(text) if self._face(each) is None)

    def written(self, text: str) -> str:
        """Return a text with □ for lacking characters; empty if no letter or digit is left."""
        lacking = set(self.lacks(text))
        if lacking and not any(each.isalnum() and each not in lacking for each in text):
            return ""
        return "".join(LACKING if each in lacking else each for each in text)

    def faces(self, text: str) -> tuple[Face, ...]:
        """Return the font of each character of a text that can be written.

        One font for the whole text, if possible: letters of two fonts differ in height.
        """
        faces = [self._face(each) or self.own for each in text]
        for only in dict.fromkeys(faces):
            if all(each == " " or only.has(each) for each in text):
                return (only,) * len(faces)
        return tuple(faces)

    def _face(self, character: str) -> Face | None:
        """Return the first font that has the character; None if no font has it."""
        if character == " ":
            return self.own
        if character not in self._chosen:
            chosen = next((face for face in self._faces if face.has(character)), None)
            while chosen is None and (face := next(self._further, None)):
                self._faces.append(face)
                chosen = face if face.has(character) else None
            self._chosen[character] = chosen
        return self._chosen[character]


def _openable(fonts: Sequence[tuple[str, int]]) -> Iterator[Face]:
    for path, index in installed(fonts):
        with suppress(OSError):  # the next font will do
            yield Face.of(path, index)
