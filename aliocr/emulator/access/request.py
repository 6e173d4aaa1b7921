"""A request as it stands on the wire, nothing in it normalised: the signature is taken of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, unquote_to_bytes

import attrs

from aliocr.checks import is_text

_READ = ("accept", "authorization", "content-md5", "content-type", "date", "host")
"""Headers that the gateway reads; so are all that begin with `x-acs-`."""

_HALF_ENCODED = re.compile(r"%(?![0-9A-Fa-f]{2})")


def _fields(headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return tuple((name.lower(), value) for name, value in pairs)


@attrs.frozen
class Request:
    """What the gateway looks at. Query, headers and body, which hold keys, are in no repr.

    Args:
        method: In capitals.
        path: Without the query.
        query_string: Percent-encoded, without its question mark.
        fields: Header lines, or a mapping of them, names in any case.
        body: The whole body.

    Attributes:
        headers: Values by lower-case names; the last of a name that came more than once.
    """

    method: str
    path: str
    query_string: str = attrs.field(repr=False)
    fields: tuple[tuple[str, str], ...] = attrs.field(converter=_fields, repr=False)
    body: bytes = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(
        init=False,
        repr=False,
        default=attrs.Factory(lambda self: dict(self.fields), takes_self=True),
    )

    @property
    def query(self) -> tuple[tuple[str, str], ...]:
        """Names and values, decoded. A `+` is a space: the vendor's SDKs write it so."""
        return tuple(parse_qsl(self.query_string, keep_blank_values=True))

    @property
    def repeated(self) -> tuple[str, ...]:
        """Names of the headers that came more than once."""
        counts = Counter(name for name, _ in self.fields)
        return tuple(name for name, count in counts.items() if count > 1)

    def ambiguity(self) -> str | None:
        """What in it nobody could sign, or could sign in two ways; None if all of it is plain."""
        for name in self.repeated:
            if name in _READ or name.startswith("x-acs-"):
                return f"The header {name} is sent more than once."
        if not all(is_text(name) and is_text(value) for name, value in self.fields):
            return "A header is not UTF-8."
        if _HALF_ENCODED.search(self.query_string):
            return "The query holds a % that begins no percent-encoding."
        if not is_text(self.query_string) or not _is_utf8(self.query_string):
            return "The query is not UTF-8."
        return None


def _is_utf8(encoded: str) -> bool:
    try:
        unquote_to_bytes(encoded).decode()
    except UnicodeDecodeError:
        return False
    return True
