"""Good HTTP with a bad signature, date or token, in both signature schemes."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Iterator, Mapping

from tests.support.raw import GOOD_BODY, KEY, Bad, raw, signed
from tests.support.signed import newer_headers

AUTHORIZATIONS = (
    "acs",
    "acs ",
    "acs:",
    "acs :",
    "acs a:",
    "acs :a",
    "acs a",
    "acs  a:b",
    "acs a :b",
    "acs a:b:c",
    "ACS a:b",
    "acs\ta:b",
    f"acs {KEY.access_key_id}",
    f"acs {KEY.access_key_id}:",
    f"acs {KEY.access_key_id}:=",
    f"acs {KEY.access_key_id}:" + "A" * 27 + "=",
    f"acs {KEY.access_key_id}:" + "A" * 6_000,
    f"acs {KEY.access_key_id}:é",
    f"acs {KEY.access_key_id}:\ud83d".encode("utf-8", "surrogatepass"),
    f"acs {KEY.access_key_id.lower()}:a",
    f"{KEY.access_key_id}:a",
    "Basic YTpi",
    "Bearer a.b.c",
    "AWS4-HMAC-SHA256 Credential=a",
    "Digest",
    ",",
    "=",
    '"',
)
NEWER_AUTHORIZATIONS = (
    "ACS3-HMAC-SHA256",
    "ACS3-HMAC-SHA256 ",
    "ACS3-HMAC-SHA256 Credential",
    "ACS3-HMAC-SHA256 Credential=",
    "ACS3-HMAC-SHA256 Credential=,SignedHeaders=,Signature=",
    "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host",
    "ACS3-HMAC-SHA256 Credential=a,Signature=b",
    "ACS3-HMAC-SHA256 SignedHeaders=host,Signature=b",
    "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=b",
    "ACS3-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=b",
    "ACS3-HMAC-SHA256 Credential=a;SignedHeaders=host;Signature=b",
    "ACS3-HMAC-SHA256 Credential=a,Credential=b,SignedHeaders=host,Signature=b",
    "ACS3-HMAC-SHA256 Signature=b,SignedHeaders=host,Credential=a",
    "ACS3-HMAC-SHA256 credential=a,signedheaders=host,signature=b",
    "acs3-hmac-sha256 Credential=a,SignedHeaders=host,Signature=b",
    "ACS3-HMAC-SHA1 Credential=a,SignedHeaders=host,Signature=b",
    "ACS3-HMAC-SM3 Credential=a,SignedHeaders=host,Signature=b",
    "ACS3-RSA-SHA256 Credential=a,SignedHeaders=host,Signature=b",
    "ACS3- Credential=a,SignedHeaders=host,Signature=b",
    "ACS3-HMAC-SHA256 " + "," * 6_000,
    "ACS3-HMAC-SHA256 " + "Credential=" * 500,
    "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=" + ";" * 6_000 + ",Signature=b",
    "ACS3-HMAC-SHA256 Credential=é,SignedHeaders=é,Signature=é",
)
SIGNED_HEADERS = (
    ";",
    "host",
    "host;host",
    "Host",
    "content-type;accept",
    "x-acs-absent",
    "date",
    "é",
    "authorization",
    "host:a",
)
DATES = (
    "now",
    "0",
    "1500000000",
    "2017-03-14T06:29:50Z",
    "2017-03-14 06:29:50",
    "Tue, 14 Mar 2017 06:29:50 GMT",
    "Tue, 14 Mar 2017 06:29:50",
    "Tue, 14 Mar 2017 06:29:50 UTC",
    "Tue, 14 Mar 2017 06:29:50 +0000",
    "Tue, 14 Mar 2017 06:29:50 -0000",
    "Tuesday, 14-Mar-17 06:29:50 GMT",
    "Tue Mar 14 06:29:50 2017",
    "tue, 14 mar 2017 06:29:50 gmt",
    "Mon, 14 Mar 2017 06:29:50 GMT",
    "Tue, 31 Feb 2017 06:29:50 GMT",
    "Tue, 14 Mar 2017 25:61:61 GMT",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Mon, 01 Jan 0001 00:00:00 GMT",
    "Tue, 14 Mar 99999 06:29:50 GMT",
    "Tue, ١٤ Mar 2017 06:29:50 GMT",
    "2017-03-14T06:29:50",
    "2017-03-14T06:29:50z",
    "2017-03-14T06:29:50.000Z",
    "2017-03-14T06:29:50+00:00",
    "2017-3-14T6:29:50Z",
    "2017-02-31T06:29:50Z",
    "2017-03-14T24:00:00Z",
    "2017-03-14T06:29:60Z",
    "9999-12-31T23:59:59Z",
    "0000-00-00T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "99999-03-14T06:29:50Z",
    "２０１７-03-14T06:29:50Z",
    "9" * 5_000,
)
TOKENS = ("a", "é", "a b", '"', "a" * 6_000)


def bad_signatures() -> Iterator[Bad]:
    """Return all bad signatures."""
    for authorization in (*AUTHORIZATIONS, *NEWER_AUTHORIZATIONS):
        # Each among the headers of either way, as the first word alone decides which it is.
        shown = f"{authorization[:60]!r} ({len(authorization)})"
        older = signed(GOOD_BODY) | {"Authorization": authorization}
        yield Bad(f"older {shown}", raw(GOOD_BODY, older))
        yield Bad(f"newer {shown}", raw(GOOD_BODY, newer() | {"authorization": authorization}))
    for names in SIGNED_HEADERS:
        line = f"ACS3-HMAC-SHA256 Credential={KEY.access_key_id},SignedHeaders={names},Signature=a"
        yield Bad(f"signed {names!r}", raw(GOOD_BODY, newer() | {"authorization": line}))
    for date in DATES:
        yield Bad(f"older date {date[:40]!r}", raw(GOOD_BODY, signed(GOOD_BODY, {"Date": date})))
        yield Bad(f"newer date {date[:40]!r}", raw(GOOD_BODY, newer({"x-acs-date": date})))
    for token in TOKENS:
        change = {"x-acs-security-token": token}
        yield Bad(f"older token {token[:9]!r}", raw(GOOD_BODY, signed(GOOD_BODY, change)))
        yield Bad(f"newer token {token[:9]!r}", raw(GOOD_BODY, newer(change)))
    whole = newer()
    for name in whole:
        for value in (b"", b"garbage", b"\xff", b"a" * 7_000):
            yield Bad(f"newer {name}: {value[:9]!r}", raw(GOOD_BODY, newer() | {name: value}))
        left = {each: value for each, value in newer().items() if each != name}
        yield Bad(f"newer without {name}", raw(GOOD_BODY, {"Host": "another", **left}))


def newer(changes: Mapping[str, str] | None = None) -> dict[str, str | bytes]:
    """Return the headers of a good request by the newer scheme, changed before signing."""
    headers = {
        "accept": "application/json",
        "content-type": "application/json",
        "host": "garbage.example",
        "x-acs-action": "ImageSyncScan",
        "x-acs-content-sha256": hashlib.sha256(GOOD_BODY).hexdigest(),
        "x-acs-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "x-acs-signature-nonce": str(uuid.uuid4()),
        "x-acs-version": "2018-05-09",
    } | dict(changes or {})
    return {**newer_headers(KEY, headers, body=GOOD_BODY)}
