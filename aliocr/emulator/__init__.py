"""The image OCR service in a box: a strict emulator for tests, demonstrations and offline use.

    async with Emulator() as emulator:
        emulator.fail("https://example.com/a.png", 592, times=1)
        ...  # a client with emulator.url and emulator.credentials
        assert emulator.busiest_second() <= 10

It refuses what the service refuses, with the service's code, in the order the service checks:

* the gateway: method, path, version, headers, clock, AccessKey, STS token, nonce, signature
  (HMAC-SHA1 or ACS3-HMAC-SHA256), checksum, request rate;
* the body: JSON, scene, 1 to 100 tasks, data ids that are unique;
* the account: not opened, not authorised, overdue, banned;
* the quota: images per second and in flight, if there is one;
* each image: URL, data id and frames by their rules, download within 3 s and 20 MB, formats, and
  the 6 s for the whole request.

Who does not accept JSON is answered in XML. There may be several accounts, each with its keys,
state and limits: `Emulator(accounts=read_accounts("accounts.toml"))`.

Without an engine it downloads nothing and an image's text is `text of {url}`; with one it reads the
real pictures. Its verbs (`Script`) make images and requests go wrong.

Not emulated: other paths and scenes, `bizType` policies, `clientInfo`, `oss://` URLs, HMAC-SM3.
"""

from aliocr.emulator.account import AccessKey, Account
from aliocr.emulator.accounts import Accounts, read_accounts
from aliocr.emulator.calls import Call
from aliocr.emulator.content import Content
from aliocr.emulator.plan import EVERY_IMAGE, Answer
from aliocr.emulator.script import Script
from aliocr.emulator.server import Emulator

__all__ = [
    "EVERY_IMAGE",
    "AccessKey",
    "Account",
    "Accounts",
    "Answer",
    "Call",
    "Content",
    "Emulator",
    "Script",
    "read_accounts",
]
