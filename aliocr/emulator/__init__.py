"""The image OCR service in a box: a strict emulator for tests, demonstrations and offline use.

    async with Emulator() as emulator:
        emulator.fail("https://example.com/a.png", 592, times=1)
        ...  # a client with emulator.url and emulator.credentials
        assert emulator.busiest_second() <= 10

The emulator refuses what the service refuses, with the service's codes, and checks in the service's
order. By default there is no image quota: `Emulator(**NEW_ACCOUNT)` has the quota of a new account.
There may be several accounts, each with its own keys, state and limits:
`Emulator(accounts=read_accounts("accounts.toml"))`.

Without an engine the emulator downloads nothing, and an image's text is `text of {url}`; with an
engine it reads the real pictures. The methods of `Script` make images and requests fail.

The way of a request:

* `http`: `server` accepts the connection, hardened by `malformed`; `same_origin` protects the
  emulator's own pages; `endpoint` takes the request, and `body` reads its body.
* `access`: `checks` decides if the `request` (as received) may pass. `accounts` finds its
  `account`, `schemes` and `acs3` check the signature, `rate_window` counts the request against
  the rate limit. A failed check is a `refusal`.
* `instructions`: the faults and contents for the request, set by a `script` or drawn by `chaos`.
* `reading`: `service` answers each image, by an instruction or by `recognition`.
  * `download` fetches the picture: `raw_url` keeps the URL as it is, `resolver` resolves the host,
    `addresses` refuses unsafe ones, `unpacking` limits decompression.
  * `reader` has the `engine` read the picture; `recognized` and `stitch` join the text of frames
    into `content`. A failure has one of the `codes`.
* `http`: `reply_writer` writes the reply, as JSON or by `xml`; `log_line` describes the request.
* `calls`: the record of the request, for the test.

Beside these: `emulator` starts and stops all parts, with `loop_thread` and `shielded`; `fairness`
shares memory, connections and the time of the event loop among requests; `control`, `page` and
`page_read` are the emulator's own pages; `rules` is the table below.

The rules of the service's documents, one by one: if the emulator keeps each, and the test that
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
