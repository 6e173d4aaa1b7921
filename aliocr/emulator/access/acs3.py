"""The newer signature, ACS3-HMAC-SHA256, as far as a verifier needs it.

Pure, and as the generic pages describe it: no page of this service mentions it, but the vendor's
newer SDK signs requests to this service so unless it is told otherwise.

Source: "V3 request structure and signature mechanism".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import quote

ALGORITHM = "ACS3-HMAC-SHA256"

_DATE = "%Y-%m-%dT%H:%M:%SZ"


def canonical_request(
    method: str,
    path: str,
    query: Iterable[tuple[str, str]],
    headers: Mapping[str, str],
    *,
    signed: Sequence[str],
    body: bytes,
) -> str:
    """What the string to sign is a checksum of.

    Args:
        method: `"POST"`.
        path: Without the query.
        query: Decoded names and values.
        headers: By lower-case names.
        signed: Lower-case names of the headers that are signed, in order; all are in `headers`.
        body: The bytes that were sent.
    """
    pairs = "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in sorted(query))
    lines = [f"{name}:{headers[name].strip()}" for name in signed]
    return "\n".join([method, path, pairs, *lines, "", ";".join(signed), sha256(body)])


def string_to_sign(canonical: str) -> str:
    """The algorithm's name and the checksum of the canonical request."""
    return f"{ALGORITHM}\n{sha256(canonical.encode())}"


def signature(secret: str, text: str) -> str:
    """Lower-case hexadecimal HMAC-SHA256 of `text` under the secret as it is."""
    return hmac.digest(secret.encode(), text.encode(), "sha256").hex()


def sha256(data: bytes) -> str:
    """Lower-case hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def seconds_of(date: str) -> float:
    """Seconds since the epoch of `2023-10-26T10:22:32Z`.

    Raises:
        ValueError: It is of another form.
    """
    moment = datetime.strptime(date, _DATE).replace(tzinfo=UTC)
    # The parser forgives missing zeros and foreign digits.
    if moment.isoformat().replace("+00:00", "Z") != date:
        raise ValueError("not of the form YYYY-MM-DDThh:mm:ssZ")
    return moment.timestamp()


def _encoded(text: str) -> str:
    return quote(text, safe="~")
