"""Redaction: takes secrets out of text before the text is shown, raised, written or pickled.

Two rules, both needed:

* By pattern: the query, fragment, user and password of every URL. This covers text of any origin.
* By value: a reply may quote what was sent, for example the whole string to sign with the STS
  token. `Secrets` knows the values, so it finds them in any surroundings, also escaped or cut.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import unquote

import attrs

LONGEST_TEXT = 1000
"""Maximum length of a text of the service in a message, in characters."""

LONGEST_ID = 100
"""Maximum length of a code or id of the service, in characters. A request id has 36."""

PIECE = 12
"""Length from which on a piece of a secret is taken out, in characters: a text may be cut, or wrap
its lines."""

SHORTEST = 4
"""Length from which on a value counts as a secret, in characters. Shorter values protect nothing,
and would be found in ordinary words."""

_HIDDEN = "…"
_QUERY = re.compile(r"(https?:(?:\\?/){2}[^\s?#]*[?#])\S*", re.IGNORECASE)
_USER = re.compile(r"(https?:(?:\\?/){2})[^\s/]*@", re.IGNORECASE)
_USER_IN_URL = re.compile(r"(:(?:\\?/){2})[^/]*@")


def without_queries(text: str) -> str:
    """Return a text in which `?…` replaces the query of every URL, and `…@` user and password.

    The query of a signed image URL is a key to the image, so messages and reprs leave it out; the
    same goes for a fragment. Everything up to the next space is removed, because removing too much
    is safer.
    """
    return _USER.sub(r"\1…@", _QUERY.sub(r"\1…", text))


def without_query(url: str) -> str:
    """Return a URL without query, fragment, user and password. The URL may hold any characters."""
    address, mark, _ = url.partition("?")
    if "//" in address.partition("#")[0]:  # in a text without an address, `#` is only a sign
        address, sign, _ = address.partition("#")
        mark = sign or mark
    # A URL may hold another URL, for example with services that resize pictures.
    address = _USER_IN_URL.sub(r"\1…@", address)
    scheme, slashes, rest = address.partition("//")
    host, slash, path = rest.partition("/")
    _, at, name = host.rpartition("@")
    user = "…@" if at else ""
    return f"{scheme}{slashes}{user}{name}{slash}{path}{mark}{_HIDDEN if mark else ''}"


_ESCAPE = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|([^\w\s]))")


def unescaped(text: str) -> str:
    """Undo the escapes of URLs, HTML and JSON, also one within the other and in parts of a text."""
    for _ in range(4):
        plain = text
        if "\\" in plain:
            plain = _ESCAPE.sub(lambda each: chr(int(each[1], 16)) if each[1] else each[2], plain)
        if "&" in plain:
            plain = html.unescape(plain)
        if "%" in plain:
            plain = unquote(plain)
        if plain == text:
            break
        text = plain
    return text


@attrs.frozen
class Secrets:
    """Values that no text may show.

    Args:
        values: The values, as they are used: an AccessKey secret, a token, the query of a URL.
        signed: The text that was signed, to compare it with a text of the service; may be empty.
    """

    values: tuple[str, ...] = attrs.field(default=(), repr=False)
    signed: str = attrs.field(default="", repr=False)

    def and_of(self, urls: Iterable[str]) -> Secrets:
        """Return these secrets together with what URLs hold: queries, fragments, passwords."""
        found = (value for url in urls for value in _values_of(url))
        return attrs.evolve(self, values=(*self.values, *found))

    def hide(self, text: str, longest: int = LONGEST_TEXT) -> str:
        """Return a text that comes from outside, at most so long, in which `…` replaces secrets."""
        return _shown(self.values, text[: 4 * longest + 1], longest)


@lru_cache(maxsize=64)  # the images of a reply often fail with the same words
def _shown(values: tuple[str, ...], text: str, longest: int) -> str:
    begins = text[: 4 * longest]
    shown = _hidden(values, begins)
    plain = unescaped(begins)
    if plain != begins and (hidden := _hidden(values, plain)) != plain:
        shown = hidden
    if len(begins) < len(text):  # a secret that is cut here may be too short to be found
        shown = shown[:-PIECE]
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}{_HIDDEN}"


def _hidden(values: tuple[str, ...], text: str) -> str:
    short, long = _needles(values)
    for value in short:
        text = text.replace(value, _HIDDEN)
    return _RUN.sub(lambda run: _without_pieces(run[0], long), text) if long else text


_RUN = re.compile(rf"\S{{{PIECE},}}")


def _without_pieces(run: str, long: str) -> str:
    """Return a run of characters without the pieces that are in `long`."""
    kept, end = "", 0  # everything before `end` was decided
    for at in range(len(run) - PIECE + 1):
        if run[at : at + PIECE] not in long:
            continue
        if at > end or not kept.endswith(_HIDDEN):
            kept += run[end:at] + _HIDDEN
        end = at + PIECE
    return kept + run[end:]


@lru_cache(maxsize=8)
def _needles(values: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Return the short values, the longest first; and the long values, line by line."""
    found = {form for value in values for form in (value, unescaped(value))}
    short = (value for value in found if SHORTEST <= len(value) < PIECE)
    return tuple(sorted(short, key=len, reverse=True)), "\n".join(
        value for value in found if len(value) >= PIECE
    )


def _values_of(url: str) -> Iterable[str]:
    """Return what a URL holds that may be a key, whole and field by field."""
    address, *keys = re.split(r"[?#]", url, maxsplit=1)
    user, at, _ = address.partition("//")[2].partition("/")[0].rpartition("@")
    if at:
        keys += user.split(":", 1)
    for key in keys:
        yield key
        for pair in re.split("[&;]", key):
            name, equals, value = pair.partition("=")
            yield value if equals else name
