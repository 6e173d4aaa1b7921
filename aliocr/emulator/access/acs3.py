"""Pure functions that compute the newer signature, ACS3-HMAC-SHA256, to verify a request.

The vendor's generic pages describe the signature. No page of this service mentions it, but the
vendor's newer SDK uses this signature for this service by default.

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
    """Return the canonical request, whose checksum is part of the string to sign.

    `query` has decoded names and values. `headers` has lower-case names. `signed` has the names of
    the signed headers, in alphabetical order; each of these names must be in `headers`.
    """
    pairs = "&".join("=".join(quote(part, safe="~") for part in pair) for pair in sorted(query))
    lines = [f"{name}:{headers[name].strip()}" for name in signed]
    return "\n".join([method, path, pairs, *lines, "", ";".join(signed), sha256(body)])


def string_to_sign(canonical: str) -> str:
    """Return the string to sign: the algorithm and the checksum of the canonical request."""
    return f"{ALGORITHM}\n{sha256(canonical.encode())}"


def signature(secret: str, text: str) -> str:
    """Return the HMAC-SHA256 of `text`, with the secret as key, in lower-case hexadecimal."""
    return hmac.digest(secret.encode(), text.encode(), "sha256").hex()


def sha256(data: bytes) -> str:
    """Return the SHA-256 of the data in lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def seconds_of(date: str) -> float:
    """Return the seconds since the epoch of a date like `2023-10-26T10:22:32Z`.

    Raises:
        ValueError: The date has another form.
    """
    moment = datetime.strptime(date, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    # The comparison is needed, because the parser also accepts dates without leading zeros, and
    # digits of other scripts.
    if moment.isoformat().replace("+00:00", "Z") != date:
        raise ValueError("not of the form YYYY-MM-DDThh:mm:ssZ")
    return moment.timestamp()
