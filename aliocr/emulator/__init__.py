"""A strict emulator of the image OCR service, for tests, demonstrations and offline use.

    async with Emulator() as emulator:
        emulator.fail("https://example.com/a.png", 592, times=1)
        ...  # a client with emulator.url and emulator.credentials
        assert emulator.busiest_second() <= 10

The emulator refuses the requests that the service refuses, with the same codes. It always checks
in the same order. By default there is no image quota; `Emulator(**NEW_ACCOUNT)` sets the quota of a
new account. An emulator can have several accounts, each with its own keys, state and limits:
`Emulator(accounts=read_accounts("accounts.toml"))`.

Without an engine the emulator downloads nothing, and the text of an image is `text of {url}`. With
an engine the emulator downloads and reads the real pictures. The methods of `Script` make images
and requests fail.

The way of a request:

* `http`: `server` accepts the connection, and `malformed` lets it answer malformed requests
  too. `same_origin` protects the emulator's own pages. `endpoint` handles the request, and `body`
  reads the body.
* `access`: `checks` decides if the `request` (as received) may pass. `operations` has the paths,
  `accounts` finds the `account`, `schemes` and `acs3` check the signature, `rate_window` counts
  the request against the rate limit. A failed check raises a `refusal`.
* `http`: the request is now a `visit` to its operation; `image_scan` lets its images be read.
* `instructions`: the faults and contents for the request, set by a `script` or chosen at random by
  `chaos`. `url_counts` counts how often an image was used.
* `reading`: `service` answers each image, by an instruction or by `recognition`.
  * `download` fetches the picture: `raw_url` keeps the URL unchanged, `resolver` resolves the host,
    `addresses` refuses unsafe addresses, `unpacking` limits decompression.
  * `reader` reads the picture with the `engine`, for which `lines` finds and reads lines, `gutters`
    divides those that are in two columns, and `turning` finds out if the picture is upright.
    `recognized` and `stitch` join the text of frames into `content`, and `frame_files`
    gives frames an address. A failure has one of the `codes`.
* `http`: `reply_writer` writes the reply as JSON, or with `xml` as XML. `log_line` describes the
  request in the log.
* `calls`: the record of the request, for the test.
* `asynchronous`: takes images that are read later; their results are asked for, or pushed.
* `storage`: hands out temporary keys, and takes pictures whose `oss://` URLs can then be scanned.

Other modules: `emulator` puts all parts together; `serving` starts and stops them, with
`loop_thread` and `shielded`. `fairness`
shares memory, connections and the time of the event loop among requests. `control`, `page`,
`page_read` and `frame_sender` serve the emulator's own pages. `rules` holds the table below.

The table lists the rules of the service's documents. Each rule says if the emulator keeps it, and
names the test that shows this. A code after a colon is the answer in that case.
"""

from aliocr.emulator.access.account import NEW_ACCOUNT, AccessKey, Account
from aliocr.emulator.access.accounts import Accounts, read_accounts
from aliocr.emulator.calls import Call, CallImage
from aliocr.emulator.emulator import Emulator
from aliocr.emulator.rules import TABLE
from aliocr.emulator.script import Script
from aliocr.emulator.storage.put_object import Upload

__all__ = [
    "NEW_ACCOUNT",
    "AccessKey",
    "Account",
    "Accounts",
    "Call",
    "CallImage",
    "Emulator",
    "Script",
    "Upload",
    "read_accounts",
]

if __doc__:  # python -OO removes docstrings
    __doc__ += f"\n{TABLE}"
