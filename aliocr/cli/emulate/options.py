"""The options of `aliocr emulate`, which make the emulator and its run."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import click

from aliocr.cli.emulate.request_log import RequestLog
from aliocr.cli.emulate.runner import EmulatorRun
from aliocr.cli.exits import Misuse, refuse_options
from aliocr.credentials import Credentials
from aliocr.emulator import NEW_ACCOUNT, Account, Emulator, read_accounts
from aliocr.emulator.access.account import QuotaOptions
from aliocr.emulator.access.rate_window import WindowKind
from aliocr.emulator.emulator import DEADLINE
from aliocr.emulator.engine import RapidOCREngine
from aliocr.emulator.http.log_line import escaped

PATIENCE = 1.0
"""Extra time for the requests in flight after a stop signal, in seconds.

It is added to the deadline and the maximum delay of a request.
"""

OF_ONE_ACCOUNT = (
    "access_key_id",
    "access_key_secret",
    "requests_per_second",
    "images_per_second",
    "images_in_flight",
    "new_account",
    "window",
)
"""Options of a single account, which an accounts file replaces."""


@attrs.frozen(kw_only=True)
class EmulatorOptions:
    """The values of the options, named as on the command line."""

    port: int
    host: str
    access_key_id: str | None
    access_key_secret: str | None
    accounts_file: str | None
    deadline: float
    engine: str
    public_only: bool
    frame_fields: str
    whole_pictures: bool
    requests_per_second: float
    images_per_second: float
    images_in_flight: int
    new_account: bool
    window: WindowKind
    chaos_requests: Mapping[str, float]
    chaos_images: Mapping[int, float]
    chaos_delay: float
    chaos_seed: int
    max_calls: int
    quiet: bool

    def prepare(self) -> EmulatorRun:
        """Return a run with these options; the run is not started yet."""
        try:
            emulator = Emulator(
                RapidOCREngine if self.engine == "rapidocr" else None,
                credentials=self._credentials(),
                accounts=self._accounts(),
                deadline=self.deadline or None,
                private_addresses=not self.public_only,
                frame_fields=self.frame_fields.split(","),
                whole_pictures=self.whole_pictures,
                brief_calls=True,
                requests_per_second=self.requests_per_second or None,
                port=self.port,
                host=self.host,
                window=self.window,
                max_calls=self.max_calls,
                **self._quota(),
            )
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        emulator.chaos(
            self.chaos_seed,
            requests=self.chaos_requests,
            images=self.chaos_images,
            delay=self.chaos_delay,
        )
        given = None if self.access_key_id is None else "given"
        return EmulatorRun(
            emulator,
            RequestLog(requests=not self.quiet, accounts=self.accounts_file is not None),
            host=self.host,
            known=f"in {escaped(self.accounts_file)}" if self.accounts_file else given,
            fetches=self.engine != "none" and not self.public_only,
            grace=(self.deadline or DEADLINE) + self.chaos_delay + PATIENCE,
        )

    def _credentials(self) -> Credentials | None:
        """Return the key from the options; None if no key is given.

        Keys from the environment are ignored, because they may be real keys of clients, and the
        emulator prints and logs the id of its key and shows it to everyone who can reach its port.
        """
        if self.access_key_id is None and self.access_key_secret is None:
            return None
        if self.access_key_id is None or self.access_key_secret is None:
            raise click.UsageError("--access-key-id and --access-key-secret must be used together")
        return Credentials(self.access_key_id, self.access_key_secret)

    def _quota(self) -> QuotaOptions:
        if not self.new_account:
            return {
                "images_per_second": self.images_per_second or None,
                "images_in_flight": self.images_in_flight or None,
            }
        both = ("images_per_second", "images_in_flight")
        refuse_options(both, "--new-account sets both", variables=True)
        return NEW_ACCOUNT

    def _accounts(self) -> tuple[Account, ...] | None:
        """Return the accounts of the file; with a file, refuse the options of a single account."""
        if self.accounts_file is None:
            return None
        refuse_options(OF_ONE_ACCOUNT, "--accounts replaces these options", variables=True)
        try:
            return read_accounts(self.accounts_file)
        except ValueError as error:
            raise Misuse(str(error)) from None
