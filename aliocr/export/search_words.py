"""The words by which a page is found in full-text search: parts of runs of Chinese or Japanese.

Chinese is written without spaces. The tokenizer `unicode61` of SQLite takes a run of letters and
digits as one word, in a page as well as in a query. So a query finds a part of a run only if the
index has exactly this part as a word of its own. (Bigrams would need a query that is cut in the
same way, and other programs do not cut it. The tokenizer `trigram` finds no word of two letters.)

A run that is all Latin is a word already.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

MOST_ANYWHERE = 5
"""Maximum length of the parts at each place of a run, in letters. Each further letter adds some 8
bytes per letter of text to the index, because most longer parts are on one page only."""

MOST_AT_AN_END = 16
"""Maximum length of the parts at the beginning and the end of a run, in letters. Long words are
mostly names, which stand behind a label or before the end of a line."""

HAN_OR_KANA = r"[\u2e80-\u312f\u31a0-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
"""Letters and punctuation of Chinese and Japanese after NFKC; see `aliocr.text.letters.is_cjk`."""

_LETTER = rf"(?=[^\W_]){HAN_OR_KANA}"

_WORD = rf"(?:(?!{HAN_OR_KANA})[^\W_])+"

_OTHER = rf"{_WORD}(?:[.,:/@&'_+-]{_WORD})*"
"""A word or number in another script: an amount, a date, `INV-2024-081` and `a@b.example` are one.
A query for it is a phrase, which is found only if its parts stand side by side in the index."""

_UNIT = re.compile(rf"({_LETTER})|{_OTHER}")

_BLANKS = {
    blank: re.compile(rf"(?<={HAN_OR_KANA}){blank}+|(?<!{blank}){blank}+(?={HAN_OR_KANA})")
    for blank in (r"\s", r"[^\S\n]")
}
"""Blanks beside Chinese or Japanese, which do not count: with the ends of lines, and without."""


def search_words(lines: str) -> str:
    """Return what an index needs beside the text itself, as words with spaces between them.

    These are the text in its plain form, if this differs (full-width letters, for example), and the
    parts of runs: up to `MOST_ANYWHERE` letters at each place, also across the end of a line, and
    up to `MOST_AT_AN_END` letters at both ends of a run in a line. A Latin word or a number within
    a run counts as one letter. Each word is there once.

    Args:
        lines: The lines of a page in reading order, one below another.
    """
    folded = unicodedata.normalize("NFKC", lines)
    if not folded.isascii():
        folded = "".join(each for each in folded if unicodedata.category(each) != "Cf")
    found = dict.fromkeys(folded.split()) if folded != lines else {}
    for units in _runs(folded, r"\s"):
        found |= dict.fromkeys(_parts(units))
    for units in _runs(folded, r"[^\S\n]"):
        found |= dict.fromkeys(_ends(units))
    return " ".join(found)


def _runs(text: str, blank: str) -> Iterator[Sequence[str]]:
    """Yield the runs with a letter of Chinese or Japanese, as letters, words and numbers.

    Units that touch are a run. They are found one by one, because one expression for a whole run
    takes quadratic time for a long word.
    """
    run: list[str] = []
    end = 0
    is_found = False
    for unit in _UNIT.finditer(_BLANKS[blank].sub("", text)):
        if unit.start() != end:
            if is_found:
                yield run
            run, is_found = [], False
        run.append(unit[0])
        is_found = is_found or unit[1] is not None
        end = unit.end()
    if is_found:
        yield run


def _parts(units: Sequence[str]) -> Iterator[str]:
    for length in range(1, MOST_ANYWHERE + 1):
        for start in range(len(units) - length + 1):
            yield "".join(units[start : start + length])


def _ends(units: Sequence[str]) -> Iterator[str]:
    for length in range(MOST_ANYWHERE + 1, min(len(units), MOST_AT_AN_END) + 1):
        yield "".join(units[:length])
        yield "".join(units[-length:])
