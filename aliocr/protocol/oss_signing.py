"""Signatures of object storage (OSS), versions 4 and 1, for the client and the emulator.

Pure, like `signing`: time is an argument, and both sides build the text to sign with the same
functions, from the headers as they are sent. The vendor is taking version 1 away, so version 4
comes first.

Source: "Include signatures in the Authorization header" of OSS, versions 4 and 1.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote

from aliocr.credentials import Credentials
from aliocr.protocol.signing import http_date, signature

ALGORITHM = "OSS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
"""What version 4 signs in place of the body: a picture is not hashed before it is sent."""

_PREFIX = "x-oss-"
_ALWAYS_SIGNED = ("content-md5", "content-type")


def v4_headers(
    headers: Mapping[str, str],
    credentials: Credentials,
    *,
    bucket: str,
    key: str,
    region: str,
    timestamp: float,
) -> dict[str, str]:
    """Return the headers of one `PUT`, signed by version 4.

    Args:
        headers: Further headers, such as `Content-Type`.
        credentials: The temporary key, with its token.
        bucket: Name of the bucket. It is signed however the bucket is addressed.
        key: Name of the object, not encoded.
        region: Region of the bucket, such as `cn-shanghai`.
        timestamp: Seconds since the epoch, within 15 minutes of the storage's clock.
    """
    now = datetime.fromtimestamp(timestamp, UTC).strftime("%Y%m%dT%H%M%SZ")
    sent = {**headers, "x-oss-date": now, "x-oss-content-sha256": UNSIGNED} | _token(credentials)
    scope = f"{now[:8]}/{region}/oss/aliyun_v4_request"
    text = v4_string_to_sign(v4_canonical_request(bucket, key, sent), now, scope)
    signed = v4_signature(credentials.access_key_secret, text, scope)
    sent["Authorization"] = (
        f"{ALGORITHM} Credential={credentials.access_key_id}/{scope}, Signature={signed}"
    )
    return sent


def v4_canonical_request(
    bucket: str,
    key: str,
    headers: Mapping[str, str],
    *,
    query: str = "",
    additional: tuple[str, ...] = (),
) -> str:
    """Return the request in the form that version 4 signs.

    Args:
        bucket: Name of the bucket.
        key: Name of the object, not encoded.
        headers: The headers as sent, with names in any case.
        query: The query in canonical form.
        additional: Names of further headers that are signed, in lower case and in order.
    """
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    signed = sorted(
        name
        for name in lower
        if name.startswith(_PREFIX) or name in _ALWAYS_SIGNED or name in additional
    )
    lines = [
        "PUT",
        f"/{quote(f'{bucket}/{key}', safe='/~')}",
        query,
        *(f"{name}:{lower[name]}" for name in signed),
        "",
        ";".join(additional),
        lower.get("x-oss-content-sha256", UNSIGNED),
    ]
    return "\n".join(lines)


def v4_string_to_sign(canonical: str, date: str, scope: str) -> str:
    """Return the text that version 4 signs; `date` is the header `x-oss-date`."""
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return f"{ALGORITHM}\n{date}\n{scope}\n{digest}"


def v4_signature(secret: str, text: str, scope: str) -> str:
    """Return the hexadecimal signature; its key is derived from the secret and the scope."""
    key = f"aliyun_v4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def v1_headers(
    headers: Mapping[str, str],
    credentials: Credentials,
    *,
    bucket: str,
    key: str,
    timestamp: float,
) -> dict[str, str]:
    """Return the headers of one `PUT`, signed by version 1; arguments as for version 4."""
    sent = {**headers, "Date": http_date(timestamp)} | _token(credentials)
    text = v1_string_to_sign(bucket, key, sent)
    signed = signature(credentials.access_key_secret, text)
    sent["Authorization"] = f"OSS {credentials.access_key_id}:{signed}"
    return sent


def v1_string_to_sign(bucket: str, key: str, headers: Mapping[str, str]) -> str:
    """Return the text that version 1 signs; the key in it is not encoded."""
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    lines = ["PUT", *(lower.get(name, "") for name in ("content-md5", "content-type", "date"))]
    lines += [f"{name}:{lower[name]}" for name in sorted(lower) if name.startswith(_PREFIX)]
    return "\n".join([*lines, f"/{bucket}/{key}"])


def _token(credentials: Credentials) -> dict[str, str]:
    token = credentials.security_token
    return {} if token is None else {"x-oss-security-token": token}
