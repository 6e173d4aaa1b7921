"""The checksum of a callback, for the client that checks it and the emulator that makes it.

The checksum is the plain digest of three texts, one after the other. Some pages say HMAC, but their
own example and the vendor's samples have the plain digest.

Source: "Asynchronous detection", callback.
"""

from __future__ import annotations

import hashlib
import hmac

HASHES = {"SHA256": "sha256", "SM3": "sm3"}
"""The values of `cryptType`, and the names of their digests in OpenSSL."""

DEFAULT_HASH = "SHA256"


def has_digest(crypt_type: str) -> bool:
    """Return True if this machine can compute this digest: some builds of OpenSSL have no SM3."""
    return HASHES[crypt_type] in hashlib.algorithms_available


def checksum(uid: str, seed: str, content: str, crypt_type: str = DEFAULT_HASH) -> str:
    """Return the checksum of a callback, in lower-case hexadecimal digits.

    Args:
        uid: The number of the main account, not of a RAM user.
        seed: The seed that was sent with the images.
        content: The field `content` of the form, decoded, exactly as it came.
        crypt_type: `"SHA256"` or `"SM3"`.

    Raises:
        ValueError: This machine's OpenSSL has no SM3.
    """
    # Encoded by hand, because what comes from outside may hold a lone surrogate.
    text = f"{uid}{seed}{content}".encode(errors="surrogatepass")
    return hashlib.new(HASHES[crypt_type], text).hexdigest()


def is_genuine(
    sent: str, uid: str, seed: str, content: str, crypt_type: str = DEFAULT_HASH
) -> bool:
    """Return True if the checksum that came is right, in lower or upper case.

    The time does not show how much of a wrong checksum is right. Arguments and errors are as in
    `checksum`.
    """
    expected = checksum(uid, seed, content, crypt_type)
    return hmac.compare_digest(sent.lower().encode(errors="replace"), expected.encode())
