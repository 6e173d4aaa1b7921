"""The gateway's signature (ROA version 1, HMAC-SHA1), for the client and the emulator.

Pure: time and nonce are arguments, so equal input gives equal output. Client and emulator build the
string to sign with the same function, from the headers as they are sent.

Source: "Request structure", "Signature method", "Common parameters".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
from collections.abc import Iterable, Mapping
from email.utils import formatdate
from functools import lru_cache

from aliocr.credentials import Credentials

SCAN_PATH = "/green/image/scan"
ASYNC_SCAN_PATH = "/green/image/asyncscan"
RESULTS_PATH = "/green/image/results"
UPLOAD_CREDENTIALS_PATH = "/green/credentials/uploadcredentials"
API_VERSION = "2018-05-09"
MAX_CLOCK_SKEW = 15 * 60
"""Maximum difference between `Date` and the gateway's clock, in seconds. Source: "ROA
mechanism"."""

_JSON = "application/json"
_SIGNED_PREFIX = "x-acs-"


def signed_headers(
    body: bytes,
    credentials: Credentials,
    *,
    timestamp: float,
    nonce: str,
    path: str = SCAN_PATH,
) -> dict[str, str]:
    """Return all headers of one signed POST.

    Args:
        body: The exact bytes that will be sent.
        credentials: The key that signs.
        timestamp: Seconds since the epoch, within 15 minutes of the gateway's clock.
        nonce: A string that this account never used before.
        path: The path of the operation, without a query.
    """
    headers = {
        "Accept": _JSON,
        "Content-Type": _JSON,
        "Content-MD5": content_md5(body),
        "Date": http_date(timestamp),
        "x-acs-version": API_VERSION,
        "x-acs-signature-method": "HMAC-SHA1",
        "x-acs-signature-version": "1.0",
        "x-acs-signature-nonce": nonce,
    }
    if credentials.security_token is not None:
        headers["x-acs-security-token"] = credentials.security_token
    text = string_to_sign("POST", path, (), headers)
    signed = signature(credentials.access_key_secret, text)
    headers["Authorization"] = f"acs {credentials.access_key_id}:{signed}"
    return headers


def string_to_sign(
    method: str, path: str, query: Iterable[tuple[str, str]], headers: Mapping[str, str]
) -> str:
    """Return the text that is signed.

    Args:
        method: `"POST"`.
        path: The path without the query.
        query: Decoded names and values, because the gateway signs the decoded form.
        headers: The headers as sent, with names in any case. An absent header leaves an empty line,
            and every `x-acs-…` header counts.
    """
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    lines = [method, *(lower.get(n, "") for n in ("accept", "content-md5", "content-type", "date"))]
    lines += [f"{n}:{lower[n]}" for n in sorted(lower) if n.startswith(_SIGNED_PREFIX)]
    pairs = "&".join(f"{name}={value}" if value else name for name, value in sorted(query))
    return "\n".join([*lines, f"{path}?{pairs}" if pairs else path])


def signature(secret: str, text: str) -> str:
    """Return the Base64 of the HMAC-SHA1 of `text`; its key is the secret, unchanged."""
    # The gateway requires SHA-1. The weakness of SHA-1 does not weaken HMAC.
    digest = hmac.digest(secret.encode(), text.encode(), "sha1")
    return base64.b64encode(digest).decode()


def content_md5(body: bytes) -> str:
    """Return the Base64 of the body's MD5: a checksum for the gateway, not a secret."""
    digest = hashlib.md5(body, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def http_date(timestamp: float) -> str:
    """Format seconds since the epoch as `Tue, 14 Mar 2017 06:29:50 GMT`."""
    return _date_of_second(math.floor(timestamp))


@lru_cache(maxsize=1)  # ten requests share a second
def _date_of_second(second: int) -> str:
    return formatdate(second, usegmt=True)
