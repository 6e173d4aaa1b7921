"""Signatures that the vendor's own SDKs made, and the requests they made them of."""

from email.utils import parsedate_to_datetime

import attrs

from aliocr import Credentials

BODY = b'{"scenes":["ocr"],"tasks":[{"dataId":"test_data_1","url":"https://example.com/a.png"}]}'
MD5 = "00za7Gr1F4wFsXXgoAumvQ=="
DATE = "Tue, 14 Mar 2017 06:29:50 GMT"
TIMESTAMP = parsedate_to_datetime(DATE).timestamp()
NONCE = "339497c2-d91f-4c17-a0a3-1192ee9e2202"
CLIENT_INFO = '{"ip":"127.0.0.2","userId":"120234234","userNick":"Mike","userType":"others"}'

KEY = Credentials("testAccessKeyId", "testAccessKeySecret")
TEMPORARY_KEY = Credentials("STS.testAccessKeyId", "testAccessKeySecret", "testSecurityToken")

DOCUMENTED = {
    "Accept": "application/json",
    "Content-Type": "application/json",
    "Content-MD5": MD5,
    "Date": DATE,
    "x-acs-version": "2018-05-09",
    "x-acs-signature-method": "HMAC-SHA1",
    "x-acs-signature-nonce": NONCE,
    "x-acs-signature-version": "1.0",
}
WITHOUT_MD5 = {name: value for name, value in DOCUMENTED.items() if name != "Content-MD5"}
# No nonce, octet-stream, signed headers and a query parameter of its own.
CORE_SDK = {
    "Accept": "application/json",
    "x-acs-action": "ImageSyncScan",
    "x-acs-version": "2018-05-09",
    "x-sdk-invoke-type": "normal",
    "Content-Type": "application/octet-stream",
    "Content-MD5": MD5,
    "x-acs-region-id": "cn-shanghai",
    "Date": DATE,
    "x-acs-signature-method": "HMAC-SHA1",
    "x-acs-signature-version": "1.0",
    "x-sdk-client": "python/2.0.0",
    "User-Agent": "not signed",
}
TOKEN = {"x-acs-security-token": "testSecurityToken"}
KEY_ID = {"x-acs-accesskey-id": "STS.testAccessKeyId"}


@attrs.frozen
class Vector:
    """A request, and the signature that one of the vendor's signers gave it."""

    headers: dict[str, str]
    signature: str
    key: Credentials = KEY
    query: tuple[tuple[str, str], ...] = ()

    @property
    def authorization(self) -> str:
        """The header it was sent with."""
        return f"acs {self.key.access_key_id}:{self.signature}"


VECTORS = {
    "A1": Vector(CORE_SDK, "mR+sLYMro/0q9UZs6ywD+KmKT+8=", query=(("RegionId", "cn-shanghai"),)),
    "B1": Vector(DOCUMENTED, "s12uZi/aFpi/BT8Hp7FmAaukouE="),
    "B2": Vector(DOCUMENTED, "DmQAQ4nIvCqJzzLCouqFd5BP3H0=", query=(("clientInfo", CLIENT_INFO),)),
    "B3": Vector(DOCUMENTED | TOKEN | KEY_ID, "Q3uAAHsvy9dIjuN0hPPpE14zpuI=", TEMPORARY_KEY),
    "B6": Vector(WITHOUT_MD5, "VXu5q7WsV1QC1JBDd7bTW87M1T8="),
    "B8": Vector(DOCUMENTED | TOKEN, "0cvHRxATLnMk4hNZHDyNDta7Hhc=", TEMPORARY_KEY),
}
