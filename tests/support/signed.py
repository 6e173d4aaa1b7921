"""Signed requests of both schemes, with changes before or after the signature."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urlencode

import pytest

from aliocr.credentials import Credentials
from aliocr.emulator.access import acs3
from aliocr.emulator.access.account import Account
from aliocr.emulator.access.accounts import Accounts
from aliocr.emulator.access.checks import authenticate, check_rate
from aliocr.emulator.access.operations import IMAGE_SCAN
from aliocr.emulator.access.refusal import Refusal
from aliocr.emulator.access.request import RawRequest
from aliocr.protocol import signing
from tests.support.vectors import BODY, DOCUMENTED, KEY, NONCE, TIMESTAMP

SCAN = "/green/image/scan"

NEWER = {
    "accept": "application/json",
    "content-type": "application/json; charset=utf-8",
    "host": "green.cn-shanghai.aliyuncs.com",
    "user-agent": "AlibabaCloud (test)",
    "x-acs-action": "ImageSyncScan",
    "x-acs-content-sha256": "354ce3dc21fff44ef9c197395f39496879b4a47d0d7d456e813376d1994a1b22",
    "x-acs-date": "2017-03-14T06:29:50Z",
    "x-acs-signature-nonce": NONCE,
    "x-acs-version": "2018-05-09",
}
"""As the vendor's newer SDK sends them, at the moment of the other vectors."""


def request(
    headers: Mapping[str, str],
    query: Iterable[tuple[str, str]] = (),
    body: bytes = BODY,
) -> RawRequest:
    """A request with these headers, as the gateway sees it."""
    return RawRequest("POST", SCAN, urlencode(tuple(query)), headers, body)


def _changed(headers: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    names = {name.lower() for name in changes}
    left = {name: value for name, value in headers.items() if name.lower() not in names}
    return left | {name: value for name, value in changes.items() if value is not None}


def signed(
    credentials: Credentials = KEY,
    changes: Mapping[str, str | None] | None = None,
    query: Iterable[tuple[str, str]] = (),
) -> RawRequest:
    """Well signed by version 1; headers added, changed or (None) taken away before it was."""
    headers = _changed(DOCUMENTED, changes or {})
    text = signing.string_to_sign("POST", SCAN, query, headers)
    signature = signing.signature(credentials.access_key_secret, text)
    authorization = f"acs {credentials.access_key_id}:{signature}"
    return request({"Authorization": authorization} | headers, query)


def signed_newer(
    credentials: Credentials = KEY,
    changes: Mapping[str, str | None] | None = None,
    query: Iterable[tuple[str, str]] = (),
    names: Iterable[str] | None = None,
) -> RawRequest:
    """The same by ACS3-HMAC-SHA256, all headers signed unless others are named."""
    headers = _changed(NEWER, changes or {})
    return request(newer_headers(credentials, headers, query, names), query)


def newer_headers(
    credentials: Credentials,
    headers: Mapping[str, str],
    query: Iterable[tuple[str, str]] = (),
    names: Iterable[str] | None = None,
    body: bytes = BODY,
) -> dict[str, str]:
    """Return these headers with their signature."""
    listed = sorted(headers) if names is None else list(names)
    canonical = acs3.canonical_request("POST", SCAN, query, headers, signed=listed, body=body)
    text = acs3.string_to_sign(canonical)
    signature = acs3.signature(credentials.access_key_secret, text)
    authorization = (
        f"ACS3-HMAC-SHA256 Credential={credentials.access_key_id},"
        f"SignedHeaders={';'.join(listed)},Signature={signature}"
    )
    return {"authorization": authorization, **headers}


Signer = Callable[..., RawRequest]
both = pytest.mark.parametrize("sign", [signed, signed_newer], ids=["HMAC-SHA1", "ACS3"])


def verdict(
    asked: RawRequest, account: Account | None = None, *, now: float = TIMESTAMP
) -> Refusal | None:
    """What the gateway says of a request, by default to an account that did nothing yet."""
    found = authenticate(asked, Accounts([account or Account(KEY)]), now=now)
    return found if isinstance(found, Refusal) else check_rate(found, IMAGE_SCAN, moment=0.0)


def code(refusal: Refusal | None) -> tuple[int, int | str] | None:
    """Return status and code of a refusal."""
    return None if refusal is None else (refusal.status, refusal.code)
