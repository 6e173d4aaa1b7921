"""The script of a test: methods that set what images say and which faults happen."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence

import attrs

from aliocr.checks import is_count, is_number, is_text
from aliocr.emulator.access.account import AccessKey, Account, AccountState
from aliocr.emulator.access.accounts import Accounts
from aliocr.emulator.chaos import Chaos, ConnectionFault
from aliocr.emulator.content import Content
from aliocr.emulator.instructions import (
    FOREIGN_TASK,
    Copies,
    HttpReply,
    Instructions,
    checked_failure,
    checked_refusal,
    checked_url,
)
from aliocr.models import Region

MAX_SKEW = 10 * 365 * 86_400
"""Seconds, ahead or behind: more than any clock is wrong by, and every date can be written."""


class Script:
    """Gives instructions to one emulator. Each may be given at any time and holds from then on.

    A URL is matched exactly; `"*"` is every image without an instruction of its own. `times` is the
    number of requests, or, for an instruction about images, the number of answers for each image;
    after that the image is read as usual. Instructions with a number are carried out in the order
    they were given, and before the permanent one (`times=None`), which replaces the one before it.

    Faults of requests happen to requests that pass the gateway: a request with a wrong signature,
    or above the rate limit, uses none up.
    """

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts
        self._instructions = Instructions()

    def text(self, url: str, text: str, regions: Sequence[Region] | None = None) -> None:
        """Set the text of an image from now on; this ends a permanent failure of the image.

        Args:
            url: The image's, or `"*"`.
            text: The text; empty for an image without text.
            regions: The pieces of the text; None for one piece with all of it.

        Raises:
            ValueError: UTF-8 cannot hold the text, or a region is not valid.
        """
        if not is_text(text):
            raise ValueError(f"text must be a string that UTF-8 can hold, not {text!r}")
        content = Content.of_text(text)
        if regions is not None:
            content = attrs.evolve(content, regions=tuple(regions))
        for region in content.regions:
            if not isinstance(region, Region) or not is_text(region.text):
                raise ValueError(
                    f"regions must be Regions, of text that UTF-8 can hold, not {region!r}"
                )
            if not all(map(is_number, (region.x, region.y, region.w, region.h))):
                raise ValueError(
                    f"x, y, w and h of a Region must be numbers of pixels, not {region!r}"
                )
        self._instructions.contents[checked_url(url)] = content
        self._instructions.failures.end(url)

    def fail(self, url: str, code: int, times: int | None = None, *, message: str = "") -> None:
        """Make an image fail.

        Args:
            url: The image's, or `"*"`.
            code: One of the service's, not 200.
            times: Number of answers; None for all.
            message: The service's message; by default the code's name.
        """
        self._instructions.failures.put(checked_failure(code, message), times, url)

    def omit(self, url: str, times: int | None = 1) -> None:
        """Leave the image's answer out of the reply."""
        self._instructions.copies.put(Copies.NONE, times, url)

    def repeat(self, url: str, times: int | None = 1) -> None:
        """Give two answers for the image; the second contradicts the first."""
        self._instructions.copies.put(Copies.CONTRARY, times, url)

    def sink(self, url: str, code: int | str, times: int | None = None) -> None:
        """Refuse every request that holds this image, with all other images in it.

        Args:
            url: The image's.
            code: As in `refuse`.
            times: Number of requests; None for all.
        """
        self._instructions.sunk.put(checked_refusal(code), times, url)

    def add_foreign(self, times: int | None = 1) -> None:
        """Add an answer about an image that is not in the request."""
        self._instructions.foreign.put((FOREIGN_TASK, checked_failure(500)), times)

    def reverse(self) -> None:
        """Reverse the answers of every reply: from the last image to the first."""
        self._instructions.reversed = True

    def refuse(
        self,
        code: int | str,
        message: str = "",
        times: int | None = 1,
        *,
        retry_after: float | None = None,
    ) -> None:
        """Refuse the request.

        Args:
            code: An int for a refusal by the service, in HTTP 200; a string for one by the gateway
                in front of it, with the code's documented status.
            message: By default the documented message, or the code's name.
            times: Number of requests; None for all.
            retry_after: Seconds after which the client should try again; None for no hint.
        """
        if retry_after is not None and not (is_number(retry_after) and retry_after >= 0):
            raise ValueError(f"retry_after must be seconds from 0 up or None, not {retry_after!r}")
        refused = attrs.evolve(checked_refusal(code, message), retry_after=retry_after)
        self._instructions.faults.put(refused, times)

    def throttle(self, times: int | None = 1, *, retry_after: float | None = None) -> None:
        """Refuse the request as above the rate limit, at any rate; see `refuse`."""
        self.refuse("Throttling.User", times=times, retry_after=retry_after)

    def respond(
        self, status: int, body: bytes | str, content_type: str, times: int | None = 1
    ) -> None:
        """Answer the request with any HTTP reply, such as a proxy's error page.

        Args:
            status: HTTP status, from 200 to 599.
            body: The whole body.
            content_type: With its charset, if it has one; ASCII in one line.
            times: Number of requests; None for all.
        """
        if not (is_text(content_type) and content_type.isascii() and content_type.isprintable()):
            raise ValueError(f"content_type must be printable ASCII, not {content_type!r}")
        if not is_count(status, 200) or status > 599:
            raise ValueError(f"status must be a number from 200 to 599, not {status!r}")
        if not (isinstance(body, bytes) or is_text(body)):
            kind = type(body).__name__
            raise ValueError(f"body must be bytes, or a str that UTF-8 can hold, not this {kind}")
        data = body.encode() if isinstance(body, str) else body
        self._instructions.faults.put(HttpReply(status, (data,), content_type), times)

    def truncate_body(self, times: int | None = 1) -> None:
        """Announce the length of the whole reply, send half, and close the connection."""
        self._instructions.faults.put(ConnectionFault.CUT, times)

    def drop_connection(self, times: int | None = 1) -> None:
        """Read the images, then close the connection without a reply; the images are charged."""
        self._instructions.faults.put(ConnectionFault.DROP, times)

    def hang(self, times: int | None = 1) -> None:
        """Send nothing for as long as the client waits."""
        self._instructions.faults.put(ConnectionFault.HANG, times)

    def stall(self, times: int | None = 1) -> None:
        """Send the headers and half of the body, then nothing for as long as the client waits."""
        self._instructions.faults.put(ConnectionFault.STALL, times)

    def delay(self, seconds: float, times: int | None = None) -> None:
        """Hold every reply back for this many seconds once it is ready; refusals and faults too."""
        if not is_number(seconds) or seconds < 0:
            raise ValueError(f"seconds must be 0 or more, not {seconds!r}")
        self._instructions.delays.put(seconds, times)

    def allow_images(
        self,
        images_per_second: float | None = None,
        images_in_flight: int | None = None,
        uid: str | None = None,
    ) -> None:
        """Change both limits of an account's image quota from now on.

        Args:
            images_per_second: As in `Account`; None for no limit.
            images_in_flight: As in `Account`; None for no limit.
            uid: The account's; None for the first one.

        Raises:
            ValueError: There is no such account, or a limit is not above 0.
        """
        self._account(uid).allow_images(images_per_second, images_in_flight)

    def expire_token(self, access_key_id: str | None = None) -> None:
        """Expire a temporary key's token from now on.

        Args:
            access_key_id: The key's id; None for the first key of the first account.

        Raises:
            ValueError: There is no such key, or it has no token.
        """
        self._key(access_key_id).expired = True

    def disable_key(self, access_key_id: str | None = None) -> None:
        """Make an AccessKey inactive from now on; see `expire_token`."""
        self._key(access_key_id).active = False

    def set_state(self, state: AccountState, uid: str | None = None) -> None:
        """Set an account's state from now on: overdue, banned and so on, or active again.

        Args:
            state: In any state but `"active"` requests are refused with 596.
            uid: The account's; None for the first one.

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
        """Set the emulator's clock ahead of this machine's, or behind it if below 0.

        The clock decides which dates and nonces are valid, and each reply's `Date` shows it, so
        that a client can correct its own clock.

        Args:
            seconds: At most ten years, ahead or behind.
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
        """Inject faults by chance where no other instruction applies.

        With no rate and no delay above 0 there are none any more.

        Args:
            seed: The same seed draws the same faults: for requests by their number, for images by
                URL and how often each was asked for.
            requests: Rates from 0 to 1 by fault: `"drop_connection"`, `"truncate_body"`,
                `"stall"`, `"hang"`, or the code of a refusal, such as `"Throttling.User"`, `"503"`.
            images: Rates by the code of the failure, such as `{592: 0.05}`.
            delay: The longest delay of a reply in seconds, drawn evenly from 0 up.

        Raises:
            ValueError: A name or rate is not valid. The earlier chaos goes on.
        """
        by_code = {str(code): rate for code, rate in (images or {}).items()}
        chaos = Chaos(seed, requests or {}, by_code, delay)
        self._instructions.chaos = chaos if chaos.is_active else None

    def reset(self) -> None:
        """Remove every instruction; accounts and keys are again as they were made.

        Requests and images already counted against rates and quotas stay counted.
        """
        self._instructions.clear()
        for account in self.accounts:
            account.restore()


VERBS = tuple(
    name
    for name, member in vars(Script).items()
    if inspect.isfunction(member) and not name.startswith("_")
)
"""Names of the methods that the control API may call."""
