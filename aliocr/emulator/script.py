"""The script of a test: methods that set the texts of images and the faults."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence

import attrs

from aliocr.checks import is_count, is_number, is_text
from aliocr.emulator.access.account import AccessKey, Account, AccountState
from aliocr.emulator.access.accounts import Accounts
from aliocr.emulator.access.operations import Action, check_action
from aliocr.emulator.asynchronous.script import AsyncScript
from aliocr.emulator.chaos import Chaos, ConnectionFault
from aliocr.emulator.content import Content
from aliocr.emulator.instructions import (
    EVERY,
    FOREIGN_TASK,
    Copies,
    HttpReply,
    RequestFault,
    checked_failure,
    checked_refusal,
    checked_url,
)
from aliocr.emulator.storage.script import UploadScript
from aliocr.models import Region

MAX_SKEW = 10 * 365 * 86_400
"""Maximum difference of the emulator's clock from this machine's clock, in seconds. Reason: no real
clock is wrong by ten years, and every date within ten years can be written."""


class Script(AsyncScript, UploadScript):
    """Gives instructions to one emulator, at any time; each instruction is valid immediately.

    A URL without a query is also for the same URL with any query, so a signed URL has one name for
    all its signatures. A URL with a query must match exactly, and is used first. `"*"` stands for
    every image that has no separate instruction.

    `times` says how often an instruction is used: for how many requests, or, if it is about images,
    for how many answers of each image. After that the request or image is treated as usual. For
    `"*"`, each URL with its query is one image; of the images that were used, the emulator
    remembers the last 100,000, so that a long run needs no more memory.
    Instructions with a number are used first, in the order in which they were given. Then the
    permanent instruction (`times=None`) is used. A new permanent instruction replaces the old one.

    Faults of requests are for requests of any operation, or only of the one that `operation` names.
    Faults happen only to requests that pass the gateway. If a request has a wrong
    signature or is above the rate limit, the fault is kept for the next request.
    """

    def __init__(self, accounts: Accounts) -> None:
        super().__init__()
        self.accounts = accounts

    def text(self, url: str, text: str, regions: Sequence[Region] | None = None) -> None:
        """Set the text of an image, and end a permanent failure of the image.

        Args:
            url: The image's URL, or `"*"`.
            text: The text; empty for an image without text.
            regions: The pieces of the text; None for one piece with the whole text.

        Raises:
            ValueError: UTF-8 cannot encode the text, or a region is not valid.
        """
        if not is_text(text):
            raise ValueError(f"text must be a string that UTF-8 can encode, not {text!r}")
        content = Content.of_text(text)
        if regions is not None:
            content = attrs.evolve(content, regions=tuple(regions))
        for region in content.regions:
            if not isinstance(region, Region) or not is_text(region.text):
                raise ValueError(
                    f"regions must be Regions with text that UTF-8 can encode, not {region!r}"
                )
            if not all(map(is_number, (region.x, region.y, region.w, region.h))):
                raise ValueError(
                    f"x, y, w and h of a Region must be numbers of pixels, not {region!r}"
                )
        self._instructions.contents[checked_url(url)] = content
        self._instructions.failures.end(url)

    def fail(self, url: str, code: int, times: int | None = None, *, message: str = "") -> None:
        """Make an image fail, even if it has a text.

        Args:
            url: The image's URL, or `"*"`.
            code: A code of the service, not 200.
            times: Number of answers; None for all answers.
            message: The service's message; by default the name of the code.
        """
        self._instructions.failures.put(checked_failure(code, message), times, url)

    def omit(self, url: str, times: int | None = 1) -> None:
        """Leave the answer for the image out of the reply."""
        self._instructions.copies.put(Copies.NONE, times, url)

    def repeat(self, url: str, times: int | None = 1) -> None:
        """Give two answers for the image; the second contradicts the first."""
        self._instructions.copies.put(Copies.CONTRARY, times, url)

    def sink(self, url: str, code: int | str, times: int | None = None) -> None:
        """Refuse every request with this image; the request's other images also fail.

        Args:
            url: The image's URL.
            code: The code of the refusal, as in `refuse`.
            times: Number of requests; None for all.
        """
        self._instructions.sunk.put(checked_refusal(code), times, url)

    def add_foreign(self, times: int | None = 1) -> None:
        """Add an answer about an image that is not in the request."""
        self._instructions.foreign.put((FOREIGN_TASK, checked_failure(500)), times)

    def reverse(self) -> None:
        """Reverse the answers in every reply: from the last image to the first."""
        self._instructions.reversed = True

    def refuse(
        self,
        code: int | str,
        message: str = "",
        times: int | None = 1,
        *,
        retry_after: float | None = None,
        operation: Action | None = None,
    ) -> None:
        """Refuse the request.

        Args:
            code: An int for a refusal by the service, in HTTP 200; a string for a refusal by the
                gateway in front of the service, with the documented HTTP status of the code.
            message: The message; by default the documented message, or the name of the code.
            times: Number of requests; None for all.
            retry_after: Time to wait before the next try, in seconds, as a hint to the client; None
                for no hint.
            operation: The operation of the request, such as `"ImageSyncScan"`; None for the next
                request of any operation.
        """
        if retry_after is not None and not (is_number(retry_after) and retry_after >= 0):
            raise ValueError(f"retry_after must be 0 s or more, or None, not {retry_after!r}")
        refused = attrs.evolve(checked_refusal(code, message), retry_after=retry_after)
        self._put_fault(refused, times, operation)

    def throttle(
        self,
        times: int | None = 1,
        *,
        retry_after: float | None = None,
        operation: Action | None = None,
    ) -> None:
        """Refuse the request as if it were above the rate limit; see `refuse`."""
        self.refuse("Throttling.User", "", times, retry_after=retry_after, operation=operation)

    def respond(
        self,
        status: int,
        body: bytes | str,
        content_type: str,
        times: int | None = 1,
        *,
        operation: Action | None = None,
    ) -> None:
        """Answer the request with any HTTP reply, such as a proxy's error page.

        Args:
            status: HTTP status, from 200 to 599.
            body: The whole body.
            content_type: The content type, with a charset if there is one; ASCII in one line.
            times: Number of requests; None for all.
            operation: As in `refuse`.
        """
        if not (is_text(content_type) and content_type.isascii() and content_type.isprintable()):
            raise ValueError(f"content_type must be printable ASCII, not {content_type!r}")
        if not is_count(status, 200) or status > 599:
            raise ValueError(f"status must be a number from 200 to 599, not {status!r}")
        if not (isinstance(body, bytes) or is_text(body)):
            kind = type(body).__name__
            raise ValueError(f"body must be bytes, or a str that UTF-8 can encode, not this {kind}")
        data = body.encode() if isinstance(body, str) else body
        self._put_fault(HttpReply(status, (data,), content_type), times, operation)

    def truncate_body(self, times: int | None = 1, *, operation: Action | None = None) -> None:
        """Announce the length of the whole body, send half of it, and close the connection."""
        self._put_fault(ConnectionFault.CUT, times, operation)

    def drop_connection(self, times: int | None = 1, *, operation: Action | None = None) -> None:
        """Read the images, then close the connection without a reply; the images are charged."""
        self._put_fault(ConnectionFault.DROP, times, operation)

    def hang(self, times: int | None = 1, *, operation: Action | None = None) -> None:
        """Send nothing while the client waits."""
        self._put_fault(ConnectionFault.HANG, times, operation)

    def stall(self, times: int | None = 1, *, operation: Action | None = None) -> None:
        """Send the headers and half of the body, then nothing while the client waits."""
        self._put_fault(ConnectionFault.STALL, times, operation)

    def delay(
        self, seconds: float, times: int | None = None, *, operation: Action | None = None
    ) -> None:
        """Wait this many seconds when a reply is ready, also before refusals and faults."""
        if not is_number(seconds) or seconds < 0:
            raise ValueError(f"seconds must be 0 or more, not {seconds!r}")
        check_action(operation)
        self._instructions.delays.put(seconds, times, operation or EVERY)

    def _put_fault(self, fault: RequestFault, times: int | None, operation: str | None) -> None:
        check_action(operation)
        self._instructions.faults.put(fault, times, operation or EVERY)

    def allow_images(
        self,
        images_per_second: float | None = None,
        images_in_flight: int | None = None,
        uid: str | None = None,
    ) -> None:
        """Change both limits of an account's image quota.

        Args:
            images_per_second: The limit as in `Account`; None for no limit.
            images_in_flight: The limit as in `Account`; None for no limit.
            uid: The number of the account; None for the first account.

        Raises:
            ValueError: There is no such account, or a limit is not above 0.
        """
        self._account(uid).allow_images(images_per_second, images_in_flight)

    def expire_token(self, access_key_id: str | None = None) -> None:
        """Make the token of a temporary key expire.

        Args:
            access_key_id: The id of the key; None for the first key of the first account.

        Raises:
            ValueError: There is no such key, or the key has no token.
        """
        self._key(access_key_id).expired = True

    def disable_key(self, access_key_id: str | None = None) -> None:
        """Make an AccessKey inactive; for the argument see `expire_token`."""
        self._key(access_key_id).active = False

    def set_state(self, state: AccountState, uid: str | None = None) -> None:
        """Set the state of an account, such as overdue, banned or active.

        Args:
            state: The state. In any state except `"active"`, requests are refused with 596.
            uid: The number of the account; None for the first account.

        Raises:
            ValueError: There is no such account or state.
        """
        self._account(uid).state = state

    def _account(self, uid: str | None) -> Account:
        found = [account for account in self.accounts if uid in (None, account.uid)]
        if not found:
            raise ValueError(f"there is no account {uid!r}")
        return found[0]

    def _key(self, access_key_id: str | None) -> AccessKey:
        found = self.accounts.find(
            access_key_id or self.accounts[0].keys[0].credentials.access_key_id
        )
        if found is None:
            raise ValueError(f"there is no AccessKey {access_key_id!r}")
        return found[1]

    def skew_clock(self, seconds: float) -> None:
        """Set the emulator's clock ahead of this machine's clock, or behind it if below 0.

        The clock decides which dates and nonces are valid. The `Date` of each reply shows the
        clock, so that a client can correct its own clock.

        Args:
            seconds: The difference in seconds, at most ten years ahead or behind.
        """
        if not is_number(seconds) or abs(seconds) > MAX_SKEW:
            raise ValueError(f"seconds must be from {-MAX_SKEW} to {MAX_SKEW}, not {seconds!r}")
        self._instructions.skew = seconds

    def chaos(
        self,
        seed: int = 0,
        *,
        requests: Mapping[str, float] | None = None,
        images: Mapping[int, float] | None = None,
        delay: float = 0.0,
    ) -> None:
        """Inject faults at random where no other instruction applies.

        If all rates and the delay are 0, the faults end.

        Args:
            seed: With the same seed the same faults are chosen. The fault of a request depends on
                the number of the request. The failure of an image depends on its URL and on the
                number of requests for this URL.
            requests: The rate of each fault, from 0 to 1. A fault is `"drop_connection"`,
                `"truncate_body"`, `"stall"`, `"hang"`, or the code of a refusal, such as
                `"Throttling.User"` or `"503"`.
            images: The rate of each failure, from 0 to 1, by its code, such as `{592: 0.05}`.
            delay: Maximum delay of a reply, in seconds. Each reply has a random delay from 0 up to
                this maximum, evenly distributed.

        Raises:
            ValueError: A name or rate is not valid. The earlier chaos stays in force.
        """
        by_code = {str(code): rate for code, rate in (images or {}).items()}
        chaos = Chaos(seed, requests or {}, by_code, delay)
        self._instructions.chaos = chaos if chaos.is_active else None

    def reset(self) -> None:
        """Remove all instructions, and reset accounts and keys to their first state.

        Requests and images that already count against rates and quotas still count. Uploaded
        objects and submitted images are removed; the temporary keys for uploads stay valid.
        """
        self._objects.clear()
        self.set_upload_life()
        self._instructions.clear()
        self._tasks.clear()
        for account in self.accounts:
            account.restore()


VERBS = tuple(
    name
    for owner in Script.__mro__
    for name, member in vars(owner).items()
    if inspect.isfunction(member) and not name.startswith("_")
)
"""Names of the script methods that the control API may call."""
