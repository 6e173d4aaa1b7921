"""A request as received. Nothing is normalised, because the signature covers the exact bytes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, unquote_to_bytes

import attrs

from aliocr.checks import is_text

_READ = ("accept", "authorization", "content-md5", "content-type", "date", "host")
"""Names of headers that the gateway reads, besides all names that begin with `x-acs-`."""

_HALF_ENCODED = re.compile(r"%(?![0-9A-Fa-f]{2})")


def _fields(headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return tuple((name.lower(), value) for name, value in pairs)


@attrs.frozen
class RawRequest:
    """A request as received. `repr()` hides query, headers and body, because they may hold keys.

    Args:
        method: HTTP method, in capitals.
        path: Path of the URL, without the query.
        query_string: Query of the URL, percent-encoded, without the question mark.
        fields: Headers, as pairs or a mapping; names in upper or lower case.
        body: The whole body.

    Attributes:
        headers: Value of each header by lower-case name. If a header is sent more than once, its
            last value.
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
        """Decoded names and values of the query. `+` means a space, as in the vendor's SDKs."""
        return tuple(parse_qsl(self.query_string, keep_blank_values=True))

    @property
    def repeated(self) -> tuple[str, ...]:
        """Names of headers that are sent more than once."""
        counts = Counter(name for name, _ in self.fields)
        return tuple(name for name, count in counts.items() if count > 1)

    def find_ambiguity(self) -> str | None:
        """Return a sentence that says why the signed text is not clear; None if it is clear."""
        for name in self.repeated:
            if name in _READ or name.startswith("x-acs-"):
                return f"The header {name} is sent more than once."
        if not all(is_text(name) and is_text(value) for name, value in self.fields):
            return "A header is not UTF-8."
        if _HALF_ENCODED.search(self.query_string):
            return "The query holds a % without two hexadecimal digits after it."
        try:
            # `unquote_to_bytes` fails for a lone surrogate, `decode` for bytes that are not UTF-8.
            unquote_to_bytes(self.query_string).decode()
        except UnicodeError:
            return "The query is not UTF-8."
        return None
