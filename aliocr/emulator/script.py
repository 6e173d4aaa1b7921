"""What a test can tell the emulator beforehand: what images say, and what goes wrong when."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence

import attrs

from aliocr.checks import is_count, is_number, is_text
from aliocr.emulator.access.account import AccessKey, Account, AccountState
from aliocr.emulator.access.accounts import Accounts
from aliocr.emulator.chaos import Breakage, Chaos
from aliocr.emulator.content import Content
from aliocr.emulator.instructions import (
    FOREIGN_TASK,
    Copies,
    Plan,
    Reply,
    checked_url,
    failure,
    refusal,
)
from aliocr.models import Region

MAX_SKEW = 10 * 365 * 86_400
"""Seconds, either way: far more than any clock is wrong by, and every date can still be written."""


class Script:
    """The instructions to one emulator. They may be given at any time and hold from then on.

    A URL is matched exactly; `"*"` is every image without an instruction of its own. `times` is how
    often: for requests, how many in turn; for images, how many answers of each image, which then is
    read as usual. What is told so many times happens in the order it was told, and before what
    holds always (`times=None`), of which the last that was told counts.

    Faults of requests meet those that pass the gateway, so a request that is wrongly signed or too
    early uses up none.

    Args:
        accounts: The emulator's, whose quotas, keys and states may be changed.
    """

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts
        self._plan = Plan()

    def text(self, url: str, text: str, regions: Sequence[Region] | None = None) -> None:
        """Have an image say this from now on; a failure that held always is over.

        Args:
            url: The image's, or `"*"`.
            text: Empty for an image without text.
            regions: The pieces of the text; None for one that holds it all.

        Raises:
            ValueError: Text that UTF-8 cannot hold, or pieces that are none.
        """
        if not is_text(text):
            raise ValueError(f"text must be a string that UTF-8 can hold, not {text!r}")
        content = Content.of_text(text)
        if regions is not None:
            content = attrs.evolve(content, regions=tuple(map(_checked_region, regions)))
        self._plan.contents[checked_url(url)] = content
        self._plan.failures.end(url)

    def fail(self, url: str, code: int, times: int | None = None, *, message: str = "") -> None:
        """Have an image fail.

        Args:
            url: The image's, or `"*"`.
            code: The service's, anything but 200.
            times: So many times; None for ever.
            message: The service's words; the code's name if left out.
        """
        self._plan.failures.put(failure(code, message), times, url)

    def omit(self, url: str, times: int | None = 1) -> None:
        """Leave the image's answer out of the reply."""
        self._plan.copies.put(Copies.NONE, times, url)

    def repeat(self, url: str, times: int | None = 1) -> None:
        """Answer for the image twice, the second time to the contrary of the first."""
        self._plan.copies.put(Copies.CONTRARY, times, url)

    def sink(self, url: str, code: int | str, times: int | None = None) -> None:
        """Refuse every request that holds this image, whatever else it holds.

        Args:
            url: The image's.
            code: As of `refuse`.
            times: So many requests; None for all.
        """
        self._plan.sunk.put(refusal(code), times, url)

    def add_foreign(self, times: int | None = 1) -> None:
        """Add the answer to an image that nobody asked about."""
        self._plan.foreign.put((FOREIGN_TASK, failure(500)), times)

    def reverse(self) -> None:
        """Give the answers of every reply in another order: from the last image to the first."""
        self._plan.reversed = True

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
            code: An int is refused by the service, in HTTP 200; a string by the gateway in front of
                it, in the code's documented status.
            message: The words; those documented, or the code's name, if left out.
            times: So many requests; None for all.
            retry_after: Tell the client to come again after so many seconds.
        """
        if retry_after is not None and not (is_number(retry_after) and retry_after >= 0):
            raise ValueError(f"retry_after must be seconds from 0 up or None, not {retry_after!r}")
        refused = attrs.evolve(refusal(code, message), retry_after=retry_after)
        self._plan.faults.put(refused, times)

    def throttle(self, times: int | None = 1, *, retry_after: float | None = None) -> None:
        """Refuse the request as one too many, however few there were; see `refuse`."""
        self.refuse("Throttling.User", times=times, retry_after=retry_after)

    def respond(
        self, status: int, body: bytes | str, content_type: str, times: int | None = 1
    ) -> None:
        """Answer the request with this, whatever it is; such as a proxy's page.

        Args:
            status: HTTP status, from 200 to 599.
            body: All of it.
            content_type: With its charset, if it has one; ASCII in one line.
            times: So many requests; None for all.
        """
        if not (is_text(content_type) and content_type.isascii() and content_type.isprintable()):
            raise ValueError(f"content_type must be printable ASCII, not {content_type!r}")
        if not is_count(status, 200) or status > 599:
            raise ValueError(f"status must be a number from 200 to 599, not {status!r}")
        if not (isinstance(body, bytes) or is_text(body)):
            kind = type(body).__name__
            raise ValueError(f"body must be bytes, or a str that UTF-8 can hold, not this {kind}")
        data = body.encode() if isinstance(body, str) else body
        self._plan.faults.put(Reply(status, (data,), content_type), times)

    def truncate_body(self, times: int | None = 1) -> None:
        """Announce the whole answer, send half, and close the connection."""
        self._plan.faults.put(Breakage.CUT, times)

    def drop_connection(self, times: int | None = 1) -> None:
        """Do the work, and close the connection instead of answering: charged all the same."""
        self._plan.faults.put(Breakage.DROP, times)

    def hang(self, times: int | None = 1) -> None:
        """Do not answer for as long as the client waits."""
        self._plan.faults.put(Breakage.HANG, times)

    def stall(self, times: int | None = 1) -> None:
        """Send the headers and half of the answer, and no more for as long as the client waits."""
        self._plan.faults.put(Breakage.STALL, times)

    def delay(self, seconds: float, times: int | None = None) -> None:
        """Hold every answer back for so many seconds once it is ready, faults included."""
        if not is_number(seconds) or seconds < 0:
            raise ValueError(f"seconds must be 0 or more, not {seconds!r}")
        self._plan.delays.put(seconds, times)

    def allow_images(
        self,
        images_per_second: float | None = None,
        images_in_flight: int | None = None,
        uid: str | None = None,
    ) -> None:
        """Change an account's image quota from now on, both halves of it.

        Args:
            images_per_second: As of `Account`; None for no limit.
            images_in_flight: The same.
            uid: The account's; None for the first one.

        Raises:
            ValueError: There is no such account, or a limit that is not above 0.
        """
        self._account(uid).allow_images(images_per_second, images_in_flight)

    def expire_token(self, access_key_id: str | None = None) -> None:
        """Have a temporary key's token be expired from now on.

        Args:
            access_key_id: The key's; None for the first account's first.

        Raises:
            ValueError: There is no such key, or it has no token.
        """
        self._key(access_key_id).expired = True

    def disable_key(self, access_key_id: str | None = None) -> None:
        """Have an AccessKey be inactive from now on; see `expire_token`."""
        self._key(access_key_id).active = False

    def set_state(self, state: AccountState, uid: str | None = None) -> None:
        """Have an account be overdue, banned and so on from now on, or active again.

        Args:
            state: Any but `"active"` is refused with 596.
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
        """Put the emulator's clock ahead of this machine's, or behind it if below 0.

        It rules which dates and nonces are good and stands in each reply's `Date`, so that a client
        can correct its own.

        Args:
            seconds: Ten years of them at most.
        """
        if not is_number(seconds) or abs(seconds) > MAX_SKEW:
            raise ValueError(f"seconds must be from {-MAX_SKEW} to {MAX_SKEW}, not {seconds!r}")
        self._plan.skew = seconds

    def chaos(
        self,
        seed: int = 0,
        *,
        requests: Mapping[str, float] | None = None,
        images: Mapping[int, float] | None = None,
        delay: float = 0.0,
    ) -> None:
        """Have things go wrong by chance, where no other instruction says that or how they do.

        With neither a rate nor a delay above 0 nothing does any more.

        Args:
            seed: The same one makes the same faults: of requests by their number, of images by URL
                and how often each was asked for.
            requests: Rates from 0 to 1 by what happens: `"drop_connection"`, `"truncate_body"`,
                `"stall"`, `"hang"`, or the code of a refusal, such as `"Throttling.User"`, `"503"`.
            images: Rates by the code of the failure, such as `{592: 0.05}`.
            delay: Seconds, at most, by which answers are held back, drawn evenly.

        Raises:
            ValueError: A name or rate that means nothing. The earlier chaos goes on.
        """
        by_code = {str(code): rate for code, rate in (images or {}).items()}
        chaos = Chaos(seed, requests or {}, by_code, delay)
        self._plan.chaos = chaos if chaos.reigns else None

    def reset(self) -> None:
        """Forget every instruction; accounts and keys are again as they were made.

        What an account has used of its rates and quotas stays used.
        """
        self._plan.forget()
        for account in self.accounts:
            account.restore()


def _checked_region(region: Region) -> Region:
    """The piece itself, if a reply can hold it."""
    if not isinstance(region, Region) or not is_text(region.text):
        raise ValueError(f"regions must be Regions, of text that UTF-8 can hold, not {region!r}")
    if not all(map(is_number, (region.x, region.y, region.w, region.h))):
        raise ValueError(f"x, y, w and h of a Region must be numbers of pixels, not {region!r}")
    return region


VERBS = tuple(
    name
    for name, member in vars(Script).items()
    if inspect.isfunction(member) and not name.startswith("_")
)
"""What the control API may call."""
