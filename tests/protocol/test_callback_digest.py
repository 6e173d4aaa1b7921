"""The checksum of callbacks, held against the published vectors and against OpenSSL."""

import hashlib
from urllib.parse import urlencode

import pytest

from aliocr.protocol.callback_digest import checksum, has_digest, is_genuine

UID = "1234567890123456"
C1 = (
    '{"code":200,"dataId":"test_data_1","msg":"OK","results":[{"label":"ocr","ocrData":["hello"],'
    '"rate":99.91,"scene":"ocr","suggestion":"review"}],"taskId":"img1",'
    '"url":"https://example.com/a.png"}'
)
C3 = (
    '{"code":592,"dataId":"d3","msg":"DOWNLOAD_TIMEOUT","taskId":"img5Wko3NQakGw6tmwSLEK0Uk-1mUGbo",'
    '"url":"https://example.com/slow.png"}'
)
SHA256 = {
    ("aabbcc123", C1): "0ccd2d7ebd18ebf15d61d6f1f614df2bf5f981838cd1e03b24f113855f6499e3",
    ("seed_3", C3): "1cb7e269e5671df4eba5f6f3e814cd29b400fd5b0170e72b6690f34905acefaa",
}
SM3 = {
    ("aabbcc123", C1): "f978f73a9de2b2ca3565ad6845188f3a2c87d46cd5dbeecff4121df723f9ed61",
    ("seed_3", C3): "110677a07fc5f7e0ca185281b18cb382d3ea263683e242b00608bea29e9294df",
}
FORMS = {
    ("aabbcc123", C1): (415, "d6147a29c3ff84642a97a6a7cb23539d"),
    ("seed_3", C3): (280, "bc4cbdf48103c1beb758e262f11278dc"),
}
KEYED = {
    ("aabbcc123", C1): "8d86f4f54886b7fbcc3f1cf6ea5c01a816fca33d24ab036ae2c2b1b4543153ae",
    ("seed_3", C3): "2222b975d3900b310553dad0660a33145085773c9730a5deb9ebc1d24a59b521",
}


@pytest.mark.parametrize(("seed", "content"), SHA256)
def test_the_checksum_is_the_plain_digest(seed: str, content: str) -> None:
    """The number of the account, the seed and the content, without anything between them."""
    right = SHA256[seed, content]
    assert checksum(UID, seed, content) == right
    assert is_genuine(right.upper(), UID, seed, content)
    form = urlencode({"checksum": right, "content": content}).encode()
    assert (len(form), hashlib.md5(form, usedforsecurity=False).hexdigest()) == FORMS[seed, content]


@pytest.mark.parametrize(("seed", "content"), SM3)
def test_the_checksum_may_be_sm3(seed: str, content: str) -> None:
    """Where OpenSSL has this digest."""
    if not has_digest("SM3"):
        pytest.skip("this OpenSSL has no SM3")
    assert is_genuine(SM3[seed, content], UID, seed, content, "SM3")
    assert not is_genuine(SHA256[seed, content], UID, seed, content, "SM3")


@pytest.mark.parametrize(("seed", "content"), KEYED)
def test_a_keyed_digest_is_refused(seed: str, content: str) -> None:
    """As is any other text, also one that is no ASCII."""
    assert not is_genuine(KEYED[seed, content], UID, seed, content)
    assert not is_genuine("é\udc80", UID, seed, content)
    assert not is_genuine(SHA256[seed, content], UID, seed, content + " ")
