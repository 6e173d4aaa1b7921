"""The image OCR service in a box: a strict emulator for tests, demonstrations and offline use.

    async with Emulator() as emulator:
        emulator.fail("https://example.com/a.png", 592, times=1)
        ...  # a client with emulator.url and emulator.credentials
        assert emulator.busiest_second() <= 10

It refuses what the service refuses, with the service's code, in the order the service checks.
Of images there is no quota unless one is asked for: `Emulator(**NEW_ACCOUNT)` has that of an
account which never asked for more. There may be several accounts, each with keys, state and limits:
`Emulator(accounts=read_accounts("accounts.toml"))`.

Without an engine it downloads nothing and an image's text is `text of {url}`; with one it reads the
real pictures. Its verbs (`Script`) make images and requests go wrong.

The way of a request: `serving` (the socket) → `endpoint` → `gateway` (`request`, `schemes`,
`account`; a no is a `refusal`) → `plan` (what `script` or `chaos` has for it) → `service` (→
`recognition`: `download`, `reader`) → `calls` (the record) and `entry` (its line in the log).

The rules of the service's documents, one by one: whether the emulator keeps each, and the test that
shows it.
"""

from aliocr.emulator.access.account import NEW_ACCOUNT, AccessKey, Account
from aliocr.emulator.access.accounts import Accounts, read_accounts
from aliocr.emulator.calls import Call, CallImage
from aliocr.emulator.emulator import Emulator
from aliocr.emulator.rules import TABLE
from aliocr.emulator.script import Script

__all__ = [
    "NEW_ACCOUNT",
    "AccessKey",
    "Account",
    "Accounts",
    "Call",
    "CallImage",
    "Emulator",
    "Script",
    "read_accounts",
]

if __doc__:  # not with python -OO
    __doc__ += f"\n{TABLE}"
