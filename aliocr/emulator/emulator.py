"""The class `Emulator`: the accounts and the script, and the parts put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING

from aiohttp import web

from aliocr.credentials import Credentials
from aliocr.emulator.access.account import Account
from aliocr.emulator.access.accounts import make_accounts
from aliocr.emulator.access.operations import (
    ASYNC_RESULTS,
    IMAGE_ASYNC_SCAN,
    IMAGE_SCAN,
    UPLOAD_CREDENTIALS,
)
from aliocr.emulator.access.rate_window import WindowKind
from aliocr.emulator.asynchronous.later import LaterReader
from aliocr.emulator.asynchronous.push import Pusher
from aliocr.emulator.asynchronous.results import Results
from aliocr.emulator.asynchronous.submission import Submission
from aliocr.emulator.calls import Call, busiest_second
from aliocr.emulator.content import FRAME_FIELDS, check_frame_fields
from aliocr.emulator.fairness import LoopSlices
from aliocr.emulator.http import malformed
from aliocr.emulator.http.control import Control
from aliocr.emulator.http.endpoint import Endpoint, check_bounds
from aliocr.emulator.http.frame_sender import FRAME, FrameSender
from aliocr.emulator.http.image_scan import ImageScan
from aliocr.emulator.http.in_flight import InFlight
from aliocr.emulator.http.page import landing_page
from aliocr.emulator.http.page_read import READ, PageReader
from aliocr.emulator.http.same_origin import same_origin
from aliocr.emulator.http.serving import Serving
from aliocr.emulator.reading.download import TIMEOUT, Downloader, check_timeout
from aliocr.emulator.reading.service import Service
from aliocr.emulator.script import Script
from aliocr.emulator.storage.credentials import CredentialsDesk
from aliocr.emulator.storage.put_object import PutObject, Upload
from aliocr.extras import needed
from aliocr.limits import REQUESTS_PER_SECOND
from aliocr.version import __version__

if TYPE_CHECKING:
    from aliocr.emulator.engine import Engine
    from aliocr.emulator.reading.recognition import Recognition

DEADLINE = 6.0
"""Maximum time from a request's arrival to its reply, in seconds. Source: "Response timeout"."""

MAX_BODY = 2 * 1024 * 1024
"""Maximum size of a request body, in bytes. Reason: 100 URLs of the maximum length need little more
than half of this size, even if JSON escapes every character."""


class Emulator(Serving, Script):
    """An emulator of the image OCR service, with one or more accounts, on one port.

    `async with Emulator() as emulator:`, or `start` and `stop`, run the emulator on the running
    event loop. `with Emulator() as emulator:` runs the emulator in its own thread, for tests that
    are not asynchronous and for clients that block. Inside this block,
    `asyncio.run(emulator.stop())` stops the emulator.

    The methods of `Script` set the texts of images and the faults. They may be called from any
    thread, at any time.

    Args:
        engine_factory: Function or class that makes an engine, such as
            `aliocr.emulator.engine.RapidOCREngine`. Images without an instruction are then really
            downloaded and really read. If None, nothing is downloaded, and the text is
            `text of {url}`.
        credentials: The account's AccessKey; None generates an AccessKey.
        accounts: Several accounts, each with its own keys, state and limits. `credentials`, the
            limits, `window` and `separate_limits` must then be left out. `read_accounts` reads
            accounts from a file.
        requests_per_second: The account's rate limit for each operation; None for no limit.
        images_per_second: The account's image quota. Images above the quota are answered with 588.
            None for no quota, although the service has a quota: see `Emulator(**NEW_ACCOUNT)`.
        images_in_flight: The account's limit for images in flight, also answered with 588.
        window: How a rate is counted: by a `"sliding"` log, which is the strictest way; in a
            `"fixed"` second; or by a token `"bucket"`. The documents do not say which way the
            service uses.
        separate_limits: If False, the requests of all operations count together, see `Account`.
        deadline: Maximum time from a request's arrival to its reply, in seconds. The last 0.2 s are
            reserved for writing the reply, so the deadline must be longer than 0.2 s. Images that
            are not read before these 0.2 s begin are answered with 581. None waits for all images.
        download_timeout: Maximum time to download one image, in seconds. An image that takes longer
            is answered with 592.
        private_addresses: If True, images are also fetched from loopback and private networks. If
            False, such images are answered with 401; choose this if other people can reach the
            emulator.
        frame_fields: The fields of each frame of a GIF or long image: some of `rate`, `url`,
            `ocrData` and `ocrLocations`. The documents do not show the frames of OCR. They show
            frames of the service's other scenes with only `rate` and `url`.
        whole_pictures: If True, a long picture is read uncut, which the service does not do: the
            text of each frame is that which lies in it, and no letter is cut in two. The results
            then also say `width`, `height` and `turn` of the picture, see `aliocr.Scan`.
        brief_calls: When a request is done, keep only `images` (code and number of frames) instead
            of `tasks` and `answers` (all text that was read). This saves memory in an emulator that
            runs for a long time.
        host: The address to listen at.
        port: The port; 0 takes a free port, see `url`.
        max_calls: Maximum number of requests in `calls`, and in `uploads`; the oldest are removed.
            None keeps all.

    Attributes:
        credentials: The AccessKey that clients sign with: the first key of the first account.
        accounts: All accounts, in order; their keys and states may be changed at any time.
        calls: Every request that arrived, also refused requests, in order of arrival.
        uploads: Every request to the object storage, in order of arrival; not part of `calls`.

    Raises:
        ValueError: A limit or deadline is too small or not a number; `host` is empty; there is no
            account; two accounts have the same key or number; or `accounts` is used together with
            arguments for a single account.
    """

    def __init__(
        self,
        engine_factory: Callable[[], Engine] | None = None,
        *,
        credentials: Credentials | None = None,
        accounts: Sequence[Account] | None = None,
        requests_per_second: float | None = REQUESTS_PER_SECOND,
        images_per_second: float | None = None,
        images_in_flight: int | None = None,
        window: WindowKind = "sliding",
        separate_limits: bool = True,
        deadline: float | None = DEADLINE,
        download_timeout: float = TIMEOUT,
        private_addresses: bool = True,
        frame_fields: Collection[str] = FRAME_FIELDS,
        whole_pictures: bool = False,
        brief_calls: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
        max_calls: int | None = None,
    ) -> None:
        if engine_factory is not None and not callable(engine_factory):
            raise ValueError(f"engine_factory must make an engine or be None, not {engine_factory}")
        check_bounds(deadline, max_calls)
        check_timeout(download_timeout)
        check_frame_fields(frame_fields)
        Serving.__init__(self, host, port)
        Script.__init__(
            self,
            make_accounts(
                accounts,
                credentials,
                requests_per_second,
                images_per_second=images_per_second,
                images_in_flight=images_in_flight,
                window=window,
                separate_limits=separate_limits,
            ),
        )
        self.credentials = self.accounts[0].keys[0].credentials
        self.calls: list[Call] = []
        self.uploads: list[Upload] = []
        self._engine_factory = engine_factory
        self._deadline = deadline
        self._download_timeout = download_timeout
        self._private_addresses = private_addresses
        self._frame_fields = tuple(frame_fields)
        self._whole_pictures = whole_pictures
        self._brief_calls = brief_calls
        self._max_calls = max_calls

    def busiest_second(self) -> int:
        """Return the largest number of requests in one second; refused requests count too."""
        return busiest_second(self.calls)

    @property
    def charged(self) -> int:
        """Number of images or frames that the service would have charged for `calls`."""
        return sum(call.charged for call in self.calls)

    def reset(self) -> None:
        """Remove all instructions, recorded calls and uploads; see `Script.reset`."""
        super().reset()
        self.calls.clear()
        self.uploads.clear()

    def application(self) -> web.Application:
        """Return the emulator as an aiohttp application, for your own server.

        For example `aiohttp.test_utils.TestServer(emulator.application())`. The endpoint is then
        the server's address, not `url`. Each application has its own engines and downloads, but
        uses the accounts, script and calls of this emulator.

        Raises:
            ImportError: An engine was given, but the `emulator` extra is not installed.
        """
        slices = LoopSlices()
        recognition = self._recognition(slices)
        service = Service(self._instructions, recognition, slices, self._objects)
        scan = ImageScan(service, self._instructions, slices, deadline=self._deadline)
        pusher = Pusher(self._tasks, private_addresses=self._private_addresses)
        later = LaterReader(service, self._instructions, self._tasks, pusher)
        in_flight = InFlight()
        desk = CredentialsDesk(self._upload_keys, self._instructions.now)
        endpoint = Endpoint(
            self.accounts,
            self._instructions,
            {
                IMAGE_SCAN: scan.decode,
                IMAGE_ASYNC_SCAN: Submission(self._tasks, later, self._instructions).decode,
                ASYNC_RESULTS: Results(self._tasks, self._instructions, slices).decode,
                UPLOAD_CREDENTIALS: desk.decode,
            },
            slices,
            in_flight,
            calls=self.calls,
            max_calls=self._max_calls,
            brief_calls=self._brief_calls,
        )

        reader: AbstractAsyncContextManager[object] = recognition or nullcontext()

        async def open_reader(_: web.Application) -> AsyncIterator[None]:
            async with reader, pusher:
                yield
                await later.aclose()
            self._objects.clear()

        app = web.Application(client_max_size=MAX_BODY, middlewares=[same_origin])
        app.cleanup_ctx.append(open_reader)
        app.on_shutdown.append(lambda _: in_flight.aclose())
        storage = PutObject(
            self._upload_keys,
            self._objects,
            self._instructions,
            in_flight,
            uploads=self.uploads,
            max_uploads=self._max_calls,
        )
        page = landing_page(otherwise=endpoint.handle)
        routes = (
            ("GET", "/", page),
            ("HEAD", "/", page),
            ("POST", READ, PageReader(recognition).read),
            ("GET", FRAME, FrameSender(recognition).send),
            *Control(self, self.calls, self.uploads, self._status).routes(),
            # All other paths, also paths with a line feed, which `.` would not match.
            ("*", r"/{path:[\s\S]*}", storage.handle_or(endpoint.handle)),
        )
        for method, path, handler in routes:
            app.router.add_route(method, path, handler, expect_handler=malformed.handle_expect)
        return app

    def _status(self) -> dict[str, object]:
        engine = self._engine_factory
        return {
            "version": __version__,
            "engine": None if engine is None else getattr(engine, "__name__", "an engine"),
            "deadline": self._deadline,
            **self._instructions.describe(),
            "accounts": [account.described() for account in self.accounts],
            "submitted": self._tasks.kept,
            "calls": len(self.calls),
            "charged": self.charged,
            "uploads": len(self.uploads),
            "objects": len(self._objects),
        }

    def _recognition(self, slices: LoopSlices) -> Recognition | None:
        if self._engine_factory is None:
            return None
        # Imported here because the module needs the extra.
        with needed("emulator"):
            from aliocr.emulator.reading.recognition import Recognition  # noqa: PLC0415

        downloader = Downloader(
            timeout=self._download_timeout,
            private_addresses=self._private_addresses,
            slices=slices,
        )
        return Recognition(
            self._engine_factory,
            downloader,
            self._frame_fields,
            whole_pictures=self._whole_pictures,
        )
