"""Find the fonts of this machine, and choose a font for each character."""

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
"""Folders in which fonts are searched, for each system. The user's folders come first. A system
that is not listed uses the folders of `linux`."""

DEPTH = 3
"""Fonts are searched in this number of levels of subfolders, because Linux distributions put fonts
into subfolders by format and maker."""

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
"""Font files with Chinese characters, the best file first. The number after the name of a file is
the index of a font in this file. In a file with several fonts, this is the font for Simplified
Chinese."""

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
"""Further font files, with the index of the font in the file. They are used for characters that
are missing in the Chinese fonts and in Pillow's font."""

LACKING = "□"
"""This character is drawn in place of a character that no font has. If a font, such as
Pillow's font, does not have □ either, it draws its own box for a missing character."""

MISSING = "\U0010ffff"
"""A code point that no font has. A font draws the same glyph for every character that it does not
have. We draw this code point to find out what this glyph looks like."""

PROBE = 32
"""Font size in which glyphs are compared, in pixels; large enough to tell any two glyphs apart."""

DROPPED = {"Cc", "Cf", "Cs"}
"""Unicode categories of the characters that `plain` removes, because they are invisible: control
characters, format characters and surrogates."""


class FontError(ValueError):
    """The given file cannot be used as a font; the message names the file."""


def installed(fonts: Sequence[tuple[str, int]]) -> Iterator[tuple[Path, int]]:
    """Yield the path and the index of each font in `fonts` that this machine has.

    The fonts keep the order of `fonts`. The function lists the folders, but opens no file.
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
    """One font, in any size. The constructor takes the font in the size `PROBE`."""

    def __init__(self, font: ImageFont.FreeTypeFont) -> None:
        self._font = font
        self._missing = self._glyph(MISSING)
        self._sizes: dict[int, ImageFont.FreeTypeFont] = {}
        self._had: dict[str, bool] = {}
        self._widths: dict[tuple[str, int], float] = {}

    @classmethod
    def of(cls, path: str | Path, index: int = 0) -> Face:
        """Load a font from a file; raise OSError if the file cannot be read or is not a font."""
        # Do not use the layout engine raqm. Not every Pillow has raqm, but a drawing must look the
        # same on all machines.
        basic = ImageFont.Layout.BASIC
        return cls(ImageFont.truetype(str(path), PROBE, index, layout_engine=basic))

    @classmethod
    def own(cls) -> Face:
        """Load the font that is built into Pillow. It has all characters for English texts."""
        font = ImageFont.load_default(PROBE)
        if not isinstance(font, ImageFont.FreeTypeFont):
            raise ImportError("Pillow was built without FreeType, so it cannot draw text")  # noqa: TRY004
        return cls(font.font_variant(layout_engine=ImageFont.Layout.BASIC))

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        """Return this font in the given size, in pixels."""
        if size not in self._sizes:
            self._sizes[size] = self._font.font_variant(size=size)
        return self._sizes[size]

    def width(self, character: str, size: int) -> float:
        """Return the advance width (distance to the next character) of a character, in pixels."""
        if (character, size) not in self._widths:
            self._widths[character, size] = self.at(size).getlength(character)
        return self._widths[character, size]

    def has(self, character: str) -> bool:
        """Return True if the font has a glyph for the character."""
        if character not in self._had:
            glyph = self._glyph(character)
            # Some fonts draw nothing at all for a missing character.
            self._had[character] = glyph != self._missing and any(glyph[1])
        return self._had[character]

    def _glyph(self, character: str) -> tuple[tuple[int, int], bytes]:
        mask = self._font.getmask(character, "L")
        return mask.size, bytes(mask)


def plain(text: str) -> str:
    """Return the text as one line, without invisible characters."""
    said = unicodedata.normalize("NFC", " ".join(text.split()))
    return "".join(each for each in said if unicodedata.category(each) not in DROPPED)


class Lettering:
    """The fonts of a drawing, in the order in which they are tried.

    The order is: the given font, fonts with Chinese characters, Pillow's font, other fonts. Each
    character is written in the first font that has this character. The next font is opened only
    when a character is in none of the fonts that are already open.

    Attributes:
        own: Pillow's font. It is always available and has all digits.

    Raises:
        FontError: The given font file cannot be used.
    """

    def __init__(self, font: str | Path | None = None) -> None:
        self._faces: list[Face] = []
        if font is not None:
            try:
                self._faces.append(Face.of(font, dict(CHINESE_FONTS).get(Path(font).name, 0)))
            except OSError as error:
                if Path(font).is_file() and error.errno is None:
                    raise FontError(
                        f"{font} cannot be used as a font: give a TTF, OTF or TTC file"
                    ) from None
                reason = error.strerror or "no such file"
                raise FontError(f"cannot read the font {font}: {reason.lower()}") from None
        self.own = Face.own()
        self._further = chain(_openable(CHINESE_FONTS), (self.own,), _openable(OTHER_FONTS))
        self._chosen: dict[str, Face | None] = {}

    def lacks(self, text: str) -> str:
        """Return the characters of a text that no font has. Each character is returned once."""
        return "".join(each for each in dict.fromkeys(text) if self._face(each) is None)

    def written(self, text: str) -> str:
        """Return the text with □ for each character that no font has.

        If there is such a character, and no font has any letter or digit of the text, the result is
        empty.
        """
        lacking = set(self.lacks(text))
        if lacking and not any(each.isalnum() and each not in lacking for each in text):
            return ""
        return "".join(LACKING if each in lacking else each for each in text)

    def faces(self, text: str) -> tuple[Face, ...]:
        """Return the font for each character of a text.

        If possible, one font is used for the whole text, because letters of two fonts differ in
        height.
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
        with suppress(OSError):  # skip a font that cannot be opened, and try the next font
            yield Face.of(path, index)
