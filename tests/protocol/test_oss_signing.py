"""The signatures of object storage, held against vectors made by the vendor's own client."""

import hashlib
from email.utils import parsedate_to_datetime

import attrs
import pytest

from aliocr import Credentials
from aliocr.protocol.oss_signing import (
    v1_headers,
    v1_string_to_sign,
    v4_canonical_request,
    v4_headers,
)

KEY = Credentials("STS.ak", "sk", "tok")
DATE = "Tue, 14 Mar 2017 06:29:50 GMT"
TIMESTAMP = parsedate_to_datetime(DATE).timestamp()
BUCKET = "green-bkt"
NAMED = "upload/folder/images/uuid1.jpg"
UNNAMED = "upload/folder/images/5d41402a-bc4b-4f0e-9f61-2a76b9719d91"
JPEG, PNG = {"Content-Type": "image/jpeg"}, {"Content-Type": "image/png"}
MD5 = {"Content-MD5": "XUFAKrxLKna5cZ2REBfFkg=="}
"""Of the body `hello`."""
OCTETS = {"Content-Type": "application/octet-stream"}


@pytest.mark.parametrize(
    ("headers", "key", "signature"),
    [
        (JPEG, NAMED, "wZjgeswMj1lp/7tUhHSTqni1ut0="),
        (PNG, NAMED, "//taool9+GH1FJdvnallUUfSKPA="),
        (OCTETS | MD5, NAMED, "kNgrwz4ylIFaZI0fn+N4lY2gT5A="),
        ({}, UNNAMED, "pmzS7d2wSZr972/w0UIJBF5WtjA="),
    ],
)
def test_version_1_signs_as_the_vendors_client(
    headers: dict[str, str], key: str, signature: str
) -> None:
    """The token is signed, and the date is the one that is sent."""
    sent = v1_headers(headers, KEY, bucket=BUCKET, key=key, timestamp=TIMESTAMP)
    assert sent["Authorization"] == f"OSS STS.ak:{signature}"
    assert (sent["Date"], sent["x-oss-security-token"]) == (DATE, "tok")


def test_the_text_that_version_1_signs_has_the_key_as_it_is() -> None:
    """Blanks and Chinese are not encoded, and names of headers are in lower case."""
    text = v1_string_to_sign(
        BUCKET, "a b/图.png", {"DATE": "now", "X-OSS-b": " 2 ", "x-oss-a": "1"}
    )
    assert text == "PUT\n\n\nnow\nx-oss-a:1\nx-oss-b:2\n/green-bkt/a b/图.png"


@attrs.frozen
class V4:
    """A request, the digest of its canonical form, and its signature."""

    headers: dict[str, str]
    key: str
    digest: str
    signature: str


@pytest.mark.parametrize(
    "vector",
    [
        V4(
            JPEG,
            NAMED,
            "61d07a6683e9d1b525920b520cc16c74bcb614722c822264643035a61d8fb8c9",
            "34961576df97b335b9331f62b70e194dcad177d79597d21339251b06906050e3",
        ),
        V4(
            PNG | MD5,
            NAMED,
            "09dad1521dca9f47c92326499d6eaffe4a9d319723bca71b9c1d6d38ac1a3420",
            "81e35cc878d7ba8df2e9498930f724a0a13faca752fb1ffd18e3a84bb8498767",
        ),
        V4(
            JPEG,
            UNNAMED,
            "60d66ec855d44dbf656b2079785a758dc2fa36c2f3c406f7b492d88c1353282a",
            "a8a22476c7d3c1e66cccf25d543c45686997679399485b8c02ddf9baa6585099",
        ),
    ],
)
def test_version_4_signs_as_the_vendors_client(vector: V4) -> None:
    """The body is not signed, and the bucket is, as if it were in the path."""
    sent = v4_headers(
        vector.headers,
        KEY,
        bucket=BUCKET,
        key=vector.key,
        region="cn-shanghai",
        timestamp=TIMESTAMP,
    )
    canonical = v4_canonical_request(BUCKET, vector.key, sent)
    assert hashlib.sha256(canonical.encode()).hexdigest() == vector.digest
    scope = "20170314/cn-shanghai/oss/aliyun_v4_request"
    assert sent["Authorization"] == (
        f"OSS4-HMAC-SHA256 Credential=STS.ak/{scope}, Signature={vector.signature}"
    )
    assert sent["x-oss-date"] == "20170314T062950Z"


def test_a_key_is_percent_encoded_for_version_4() -> None:
    """All but the slashes, and additional headers are named."""
    canonical = v4_canonical_request(
        BUCKET, "a b/图~.png", {"Host": "oss", "X-OSS-a": "1"}, additional=("host",)
    )
    assert canonical == (
        "PUT\n/green-bkt/a%20b/%E5%9B%BE~.png\n\nhost:oss\nx-oss-a:1\n\nhost\nUNSIGNED-PAYLOAD"
    )
