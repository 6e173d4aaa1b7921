"""Signed requests of both schemes, with changes before or after the signature."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urlencode

import pytest

from aliocr.credentials import Credentials
from aliocr.emulator.access import acs3
from aliocr.emulator.access.account import Account
from aliocr.emulator.access.accounts import Accounts
from aliocr.emulator.access.checks import check_rate, signer
from aliocr.emulator.access.refusal import Refusal
from aliocr.emulator.access.request import Request
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
) -> Request:
    """Return a request with these headers, as the access checks get it."""
    return Request("POST", SCAN, urlencode(tuple(query)), headers, body)


def _changed(headers: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    names = {name.lower() for name in changes}
    left = {name: value for name, value in headers.items() if name.lower() not in names}
    return left | {name: value for name, value in changes.items() if value is not None}


def signed(
    credentials: Credentials = KEY,
    changes: Mapping[str, str | None] | None = None,
    query: Iterable[tuple[str, str]] = (),
) -> Request:
    """Return a request signed by version 1; headers changed or (None) removed before signing."""
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
) -> Request:
    """Return a request signed by ACS3-HMAC-SHA256; by default all headers are signed."""
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


Signer = Callable[..., Request]
both = pytest.mark.parametrize("sign", [signed, signed_newer], ids=["HMAC-SHA1", "ACS3"])


def verdict(
    asked: Request, account: Account | None = None, *, now: float = TIMESTAMP
) -> Refusal | None:
    """Return the refusal of a request, by default of a new account; None if it passes."""
    found = signer(asked, Accounts([account or Account(KEY)]), now=now)
    return found if isinstance(found, Refusal) else check_rate(found, moment=0.0)


def code(refusal: Refusal | None) -> tuple[int, int | str] | None:
    """Return status and code of a refusal."""
    return None if refusal is None else (refusal.status, refusal.code)
