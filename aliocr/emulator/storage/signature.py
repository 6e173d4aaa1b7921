"""Checks the signature of a request to object storage, of version 4 or version 1.

Source: "Include signatures in the Authorization header" of object storage, versions 4 and 1.
"""

from __future__ import annotations

import hmac
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import attrs

from aliocr.emulator.access.request import RawRequest
from aliocr.emulator.storage.refusal import StorageRefused
from aliocr.emulator.storage.upload_keys import BUCKET
from aliocr.protocol import oss_signing, signing

_V1 = re.compile(r"OSS ([^\s:]+):(\S+)")
_SCOPE = re.compile(r"([^\s/]+)/(\d{8}/[a-z0-9-]+/oss/aliyun_v4_request)", re.ASCII)


@attrs.frozen
class StorageClaim:
    """The content of an `Authorization` header; `scope` and `additional` are of version 4."""

    version: int
    access_key_id: str
    signature: str = attrs.field(repr=False)
    scope: str = ""
    additional: tuple[str, ...] = ()


def read_claim(authorization: str | None) -> StorageClaim:
    """Return the content of the header.

    Raises:
        StorageRefused: There is no such header, or its form is of neither version.
    """
    if authorization is None:
        raise StorageRefused("AccessDenied", "The request is not signed.", ec="0003-00000001")
    sent = authorization.strip()
    if found := _V1.fullmatch(sent):
        return StorageClaim(1, found[1], found[2])
    algorithm, _, rest = sent.partition(" ")
    fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    scope = _SCOPE.fullmatch(fields.get("Credential", ""))
    if algorithm != oss_signing.ALGORITHM or scope is None or not fields.get("Signature"):
        words = "Authorization must be OSS ID:signature, or that of signature version 4."
        raise StorageRefused("InvalidArgument", words)
    more = tuple(filter(None, fields.get("AdditionalHeaders", "").split(";")))
    return StorageClaim(4, scope[1], fields["Signature"], scope[2], more)


def check_signature(
    request: RawRequest, claim: StorageClaim, secret: str, *, key: str, now: float
) -> None:
    """Check date and signature; `now` is in seconds since the epoch.

    Raises:
        StorageRefused: The date is missing or too far from `now`, or the signature is wrong.
    """
    check = _check_version_4 if claim.version == 4 else _check_version_1
    expected = check(request, claim, secret, key, now)
    if not hmac.compare_digest(claim.signature.encode(), expected.encode()):
        raise StorageRefused("SignatureDoesNotMatch")


def _check_version_4(
    request: RawRequest, claim: StorageClaim, secret: str, key: str, now: float
) -> str:
    """Check what only version 4 has, and return the correct signature."""
    headers = request.headers
    date = headers.get("x-oss-date", "").strip()
    try:
        sent = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        words = "x-oss-date must be of the form 20170314T062950Z."
        raise StorageRefused("AccessDenied", words) from None
    _check_date(sent, now)
    if headers.get("x-oss-content-sha256", "").strip() != oss_signing.UNSIGNED:
        words = f"x-oss-content-sha256 must be {oss_signing.UNSIGNED}."
        raise StorageRefused("InvalidArgument", words)
    if claim.scope[:8] != date[:8]:
        raise StorageRefused("InvalidArgument", "Credential and x-oss-date have different days.")
    if list(claim.additional) != sorted(set(claim.additional) & headers.keys()):
        words = "AdditionalHeaders must be lower-case, in order, and sent."
        raise StorageRefused("InvalidArgument", words)
    canonical = oss_signing.v4_canonical_request(BUCKET, key, headers, additional=claim.additional)
    text = oss_signing.v4_string_to_sign(canonical, date, claim.scope)
    return oss_signing.v4_signature(secret, text, claim.scope)


def _check_version_1(
    request: RawRequest, _: StorageClaim, secret: str, key: str, now: float
) -> str:
    """Check the date, and return the correct signature."""
    try:
        sent = parsedate_to_datetime(request.headers.get("date", "").strip()).timestamp()
    except ValueError:
        words = "OSS authentication requires a valid Date."
        raise StorageRefused("AccessDenied", words) from None
    _check_date(sent, now)
    text = oss_signing.v1_string_to_sign(BUCKET, key, request.headers)
    return signing.signature(secret, text)


def _check_date(sent: float, now: float) -> None:
    if abs(now - sent) > signing.MAX_CLOCK_SKEW:
        raise StorageRefused("RequestTimeTooSkewed")
