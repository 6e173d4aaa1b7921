"""The newer signature, ACS3-HMAC-SHA256, as far as a verifier needs it. Pure.

Written from the vendor's generic pages: no page of this service mentions the signature, but the
vendor's newer SDK uses it for this service by default.

Source: "V3 request structure and signature mechanism".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import quote

ALGORITHM = "ACS3-HMAC-SHA256"


def canonical_request(
    method: str,
    path: str,
    query: Iterable[tuple[str, str]],
    headers: Mapping[str, str],
    *,
    signed: Sequence[str],
    body: bytes,
) -> str:
    """Return the canonical request; the string to sign holds its checksum.

    The query is decoded; names of headers are lower-case. `signed` has the names of the signed
    headers, in order; all are in `headers`.
    """
    pairs = "&".join("=".join(quote(part, safe="~") for part in pair) for pair in sorted(query))
    lines = [f"{name}:{headers[name].strip()}" for name in signed]
    return "\n".join([method, path, pairs, *lines, "", ";".join(signed), sha256(body)])


def string_to_sign(canonical: str) -> str:
    """Return the algorithm's name and the checksum of the canonical request."""
    return f"{ALGORITHM}\n{sha256(canonical.encode())}"


def signature(secret: str, text: str) -> str:
    """Lower-case hexadecimal HMAC-SHA256 of `text` with the plain secret as key."""
    return hmac.digest(secret.encode(), text.encode(), "sha256").hex()


def sha256(data: bytes) -> str:
    """Lower-case hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def seconds_of(date: str) -> float:
    """Return the seconds since the epoch of a date like `2023-10-26T10:22:32Z`.

    Raises:
        ValueError: The date has another form.
    """
    moment = datetime.strptime(date, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    # The parser also takes missing zeros and foreign digits.
    if moment.isoformat().replace("+00:00", "Z") != date:
        raise ValueError("not of the form YYYY-MM-DDThh:mm:ssZ")
    return moment.timestamp()
