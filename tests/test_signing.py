"""The signature, held against vectors made by the vendor's own SDKs."""

from email.utils import parsedate_to_datetime

import pytest

from aliocr import Credentials
from aliocr.signing import content_md5, http_date, signature, signed_headers, string_to_sign

SECRET = "testAccessKeySecret"
DATE = "Tue, 14 Mar 2017 06:29:50 GMT"
TIMESTAMP = parsedate_to_datetime(DATE).timestamp()
NONCE = "339497c2-d91f-4c17-a0a3-1192ee9e2202"
BODY = b'{"scenes":["ocr"],"tasks":[{"dataId":"test_data_1","url":"https://example.com/a.png"}]}'
CLIENT_INFO = '{"ip":"127.0.0.2","userId":"120234234","userNick":"Mike","userType":"others"}'
SCAN = "/green/image/scan"

DOCUMENTED = {
    "Accept": "application/json",
    "Content-Type": "application/json",
    "Content-MD5": "00za7Gr1F4wFsXXgoAumvQ==",
    "Date": DATE,
    "X-Acs-Version": "2018-05-09",
    "X-Acs-Signature-Method": "HMAC-SHA1",
    "X-Acs-Signature-Version": "1.0",
    "X-Acs-Signature-Nonce": NONCE,
}
WITHOUT_MD5 = {name: value for name, value in DOCUMENTED.items() if name != "Content-MD5"}
CORE_SDK = {
    "Accept": "application/json",
    "Content-Type": "application/octet-stream",
    "Content-MD5": "00za7Gr1F4wFsXXgoAumvQ==",
    "Date": DATE,
    "x-acs-action": "ImageSyncScan",
    "x-acs-version": "2018-05-09",
    "x-acs-region-id": "cn-shanghai",
    "x-acs-signature-method": "HMAC-SHA1",
    "x-acs-signature-version": "1.0",
    "User-Agent": "not signed",
}
TOKEN = {"x-acs-security-token": "testSecurityToken"}
KEY_ID = {"x-acs-accesskey-id": "STS.testAccessKeyId"}

VECTORS = {
    "A1": (CORE_SDK, [("RegionId", "cn-shanghai")], "mR+sLYMro/0q9UZs6ywD+KmKT+8="),
    "B1": (DOCUMENTED, [], "s12uZi/aFpi/BT8Hp7FmAaukouE="),
    "B2": (DOCUMENTED, [("clientInfo", CLIENT_INFO)], "DmQAQ4nIvCqJzzLCouqFd5BP3H0="),
    "B3": (DOCUMENTED | TOKEN | KEY_ID, [], "Q3uAAHsvy9dIjuN0hPPpE14zpuI="),
    "B6": (WITHOUT_MD5, [], "VXu5q7WsV1QC1JBDd7bTW87M1T8="),
    "B8": (DOCUMENTED | TOKEN, [], "0cvHRxATLnMk4hNZHDyNDta7Hhc="),
}


@pytest.mark.parametrize(("headers", "query", "expected"), VECTORS.values(), ids=VECTORS.keys())
def test_the_signature_is_the_vendors(
    headers: dict[str, str], query: list[tuple[str, str]], expected: str
) -> None:
    """What the vendor's signers sign, we sign alike: headers in any case, queries raw."""
    assert signature(SECRET, string_to_sign("POST", SCAN, query, headers)) == expected


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
    assert signature(SECRET, text) == expected


def test_a_request_carries_every_documented_header() -> None:
    """Vector B1 comes out of the one call the session makes."""
    credentials = Credentials("testAccessKeyId", SECRET)
    headers = signed_headers(BODY, credentials, timestamp=TIMESTAMP, nonce=NONCE)
    assert headers.pop("Authorization") == "acs testAccessKeyId:s12uZi/aFpi/BT8Hp7FmAaukouE="
    assert {n.lower(): v for n, v in headers.items()} == {
        n.lower(): v for n, v in DOCUMENTED.items()
    }


def test_a_temporary_key_sends_and_signs_its_token() -> None:
    """Vector B8: only the token is added."""
    credentials = Credentials("STS.testAccessKeyId", SECRET, "testSecurityToken")
    headers = signed_headers(BODY, credentials, timestamp=TIMESTAMP, nonce=NONCE)
    assert headers["x-acs-security-token"] == "testSecurityToken"
    assert headers["Authorization"] == "acs STS.testAccessKeyId:0cvHRxATLnMk4hNZHDyNDta7Hhc="


def test_md5_and_date_have_the_documented_form() -> None:
    """Base64 of 16 raw bytes; RFC 1123 in GMT."""
    assert content_md5(BODY) == "00za7Gr1F4wFsXXgoAumvQ=="
    assert http_date(TIMESTAMP) == DATE
