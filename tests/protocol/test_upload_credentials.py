"""The JSON of a temporary key for uploads."""

from __future__ import annotations

import msgspec
import pytest

from aliocr.protocol.upload_credentials import UploadCredentials, check_request, encode_reply
from aliocr.protocol.wire import BadRequest

KEY = UploadCredentials(
    access_key_id="STS.a",
    access_key_secret="hidden-secret",
    security_token="hidden-token",
    expired_time=1_792_000_000_000,
    oss_endpoint="oss-cn-shanghai.aliyuncs.com",
    upload_bucket="bucket",
    upload_folder="upload/1/20261201",
)


def test_the_fields_have_the_names_of_the_vendors_uploaders() -> None:
    """Source: the vendor's uploaders for Python, Java and Go. The internal address is optional."""
    data = msgspec.json.decode(encode_reply(KEY, request_id="R"))
    assert {name: value for name, value in data.items() if name != "data"} == {
        "code": 200,
        "msg": "OK",
        "requestId": "R",
    }
    assert data["data"] == {
        "accessKeyId": "STS.a",
        "accessKeySecret": "hidden-secret",
        "securityToken": "hidden-token",
        "expiredTime": 1_792_000_000_000,
        "ossEndpoint": "oss-cn-shanghai.aliyuncs.com",
        "uploadBucket": "bucket",
        "uploadFolder": "upload/1/20261201",
    }


def test_a_key_does_not_print_its_secrets() -> None:
    """Neither secret nor token."""
    assert repr(KEY) == "UploadCredentials(access_key_id='STS.a', …)"


@pytest.mark.parametrize("body", [b"", b"{}", b'{"a":{"b":[1]}}'])
def test_a_request_needs_no_body(body: bytes) -> None:
    """The vendor's SDKs send an empty object, or nothing."""
    check_request(body)


@pytest.mark.parametrize("body", [b"[]", b"1", b"{", b"\xff", b'{"a":' * 5000])
def test_another_body_is_refused(body: bytes) -> None:
    """As for scans."""
    with pytest.raises(BadRequest, match="malformed body"):
        check_request(body)
