"""The signature, held against vectors made by the vendor's own SDKs."""

import pytest

from aliocr.protocol.signing import (
    ASYNC_SCAN_PATH,
    RESULTS_PATH,
    UPLOAD_CREDENTIALS_PATH,
    content_md5,
    http_date,
    signature,
    signed_headers,
    string_to_sign,
)
from tests.support.vectors import (
    BODY,
    CORE_SDK,
    DATE,
    DOCUMENTED,
    KEY,
    MD5,
    NONCE,
    TEMPORARY_KEY,
    TIMESTAMP,
    VECTORS,
    Vector,
)

SCAN = "/green/image/scan"


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS.keys())
def test_the_signature_is_the_vendors(vector: Vector) -> None:
    """What the vendor's signers sign, we sign alike: headers in any case, queries raw."""
    for headers in (vector.headers, {n.upper(): v for n, v in vector.headers.items()}):
        text = string_to_sign("POST", SCAN, vector.query, headers)
        assert signature(vector.key.access_key_secret, text) == vector.signature


def test_the_string_of_the_core_sdks_own_test_is_signed_alike() -> None:
    """The vendor's unit test has a string and its signature; so do we."""
    text = (
        "GET\napplication/octet-stream\n\n\n2018-12-04T03:55:31Z\n"
        "x-acs-signature-method:HMAC-SHA1\nx-acs-signature-version:1.0\n/"
    )
    assert signature("access_key_secret", text) == "HKCpm41tJg6b3EYdtGMbNuwALZU="


@pytest.mark.parametrize(
    ("ip", "user", "expected"),
    [
        ("127.xxx.xxx.2", "12023xxxx", "qQ7lbOxH0jIR+gP11MQOGqIQDzQ="),
        ("127.0.0.2", "120234234", "uHOHm+CBZqoYXnAgE3JHHakPAW4="),
    ],
)
def test_the_documents_worked_example_is_rebuilt(ip: str, user: str, expected: str) -> None:
    """The page's string to sign comes out of its headers, in both editions."""
    info = f'{{"ip":"{ip}","userId":"{user}","userNick":"Mike","userType":"others"}}'
    headers = DOCUMENTED | {"Content-MD5": "C+5Y0crpO4sYgC2DNjycug=="}
    text = string_to_sign("POST", SCAN, [("clientInfo", info)], headers)
    assert text.startswith("POST\napplication/json\nC+5Y0crpO4sYgC2DNjycug==\napplication/json\n")
    assert text.endswith(f"x-acs-version:2018-05-09\n/green/image/scan?clientInfo={info}")
    assert signature(KEY.access_key_secret, text) == expected


def test_a_request_carries_every_documented_header() -> None:
    """Vector B1 comes out of the one call the session makes."""
    headers = signed_headers(BODY, KEY, timestamp=TIMESTAMP, nonce=NONCE)
    assert headers == DOCUMENTED | {"Authorization": VECTORS["B1"].authorization}


@pytest.mark.parametrize(
    ("path", "body", "md5", "expected"),
    [
        (ASYNC_SCAN_PATH, BODY, MD5, "dMOnrHdC2fqB8FYdOFJu88iT2SI="),
        (
            RESULTS_PATH,
            b'["img1hdP5Wn0QC@7wW0n$VX0R@-1p3mnZ","img5Wko3NQakGw6tmwSLEK0Uk-1mUGbo"]',
            "Bdib1/K2u1C0xXEMzMMS+Q==",
            "YK4+9PmXTNeboBmujZUc66VLGqk=",
        ),
        (
            UPLOAD_CREDENTIALS_PATH,
            b"{}",
            "mZFLkyvTelC5g8XnyQrpOw==",
            "dW6hyeOMa8uOjdcR+q1UpEGYM6o=",
        ),
    ],
)
def test_every_operation_is_signed_by_its_path(
    path: str, body: bytes, md5: str, expected: str
) -> None:
    """Vectors E1, E3 and E4: the body may be an array."""
    headers = signed_headers(body, KEY, timestamp=TIMESTAMP, nonce=NONCE, path=path)
    assert headers["Content-MD5"] == md5
    assert headers["Authorization"] == f"acs testAccessKeyId:{expected}"


def test_an_upload_as_the_vendors_sdk_asks_for_it_is_signed_alike() -> None:
    """Vector E5: no nonce, octet-stream, the region in query and header."""
    headers = CORE_SDK | {"Content-MD5": "mZFLkyvTelC5g8XnyQrpOw=="}
    headers["x-acs-action"] = "UploadCredentials"
    del headers["x-sdk-client"], headers["x-sdk-invoke-type"]
    text = string_to_sign("POST", UPLOAD_CREDENTIALS_PATH, [("RegionId", "cn-shanghai")], headers)
    assert signature(KEY.access_key_secret, text) == "VMEK9qfusVMaKbfZolDMDt9wndI="


def test_a_temporary_key_sends_and_signs_its_token() -> None:
    """Vector B8: only the token is added."""
    headers = signed_headers(BODY, TEMPORARY_KEY, timestamp=TIMESTAMP, nonce=NONCE)
    vector = VECTORS["B8"]
    assert headers == vector.headers | {"Authorization": vector.authorization}


def test_md5_and_date_have_the_documented_form() -> None:
    """Base64 of 16 raw bytes; RFC 1123 in GMT."""
    assert content_md5(BODY) == MD5
    assert http_date(TIMESTAMP) == DATE
