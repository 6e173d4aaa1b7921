"""The newer signature, compared with the documents' example and the vendor's signer."""

from __future__ import annotations

import attrs
import pytest

from aliocr.emulator.access import acs3
from aliocr.emulator.access.account import Account
from tests.support.signed import NEWER, SCAN, request, verdict
from tests.support.vectors import BODY, KEY

NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
MOMENT = {
    "x-acs-date": "2023-10-26T10:22:32Z",
    "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
}
FORM = (
    b"Service=generalOcr&ServiceParameters=%7B%22imageUrl%22%3A%22https%3A%2F%2Fexample.com"
    b"%2Fa.png%22%7D"
)


@attrs.frozen
class Vector:
    """A request, the checksum of its canonical form if it is known, and its signature."""

    path: str
    headers: dict[str, str]
    signature: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    secret: str = "testAccessKeySecret"
    canonical: str | None = None


VECTORS = {
    "D0, the documents' example": Vector(
        "/",
        MOMENT
        | {
            "host": "ecs.cn-shanghai.aliyuncs.com",
            "x-acs-action": "RunInstances",
            "x-acs-version": "2014-05-26",
            "x-acs-content-sha256": NOTHING,
        },
        "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
        query=(
            ("RegionId", "cn-shanghai"),
            ("ImageId", "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"),
        ),
        secret="YourAccessKeySecret",
    ),
    "D1, this service": Vector(
        SCAN,
        NEWER | MOMENT,
        "5e24f9d8f6281534c4ea9939177ea159302ee89da9fc6442cfcb691a0a30d199",
        body=BODY,
        canonical="2b9305400d4aba86ed9fba438871800dcd40ba2bc9130ecfd4e147974f193235",
    ),
    "D5, the service's successor": Vector(
        "/",
        NEWER
        | MOMENT
        | {
            "content-type": "application/x-www-form-urlencoded",
            "host": "green-cip.cn-shanghai.aliyuncs.com",
            "x-acs-action": "ImageModeration",
            "x-acs-version": "2022-03-02",
            "x-acs-content-sha256": (
                "49dfcfe352d94d6339cc47f6a19da7a999e01a5fa63aee86ecf6b73f61461d27"
            ),
        },
        "4a6b583919b14bfca1e5a21658a255a2fc9a52cd3c3c4defba5457bf6d872511",
        body=FORM,
        canonical="c76b4c4329e2bfafa68338fa14a8a74486edecc60fd4917d873a514cbd46486c",
    ),
}


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS.keys())
def test_the_signature_is_the_vendors(vector: Vector) -> None:
    """Canonical request, string to sign and signature equal the vendor's."""
    canonical = acs3.canonical_request(
        "POST",
        vector.path,
        vector.query,
        vector.headers,
        signed=sorted(vector.headers),
        body=vector.body,
    )
    text = acs3.string_to_sign(canonical)
    if vector.canonical is not None:
        assert text == f"ACS3-HMAC-SHA256\n{vector.canonical}"
    assert acs3.signature(vector.secret, text) == vector.signature


def test_what_the_vendors_newer_signer_made_passes() -> None:
    """Vector D1, as sent, at its own time."""
    vector = VECTORS["D1, this service"]
    names = ";".join(sorted(vector.headers))
    authorization = (
        f"ACS3-HMAC-SHA256 Credential=testAccessKeyId,SignedHeaders={names},"
        f"Signature={vector.signature}"
    )
    asked = request(vector.headers | {"Authorization": authorization})
    assert verdict(asked, Account(KEY), now=acs3.seconds_of(MOMENT["x-acs-date"])) is None
