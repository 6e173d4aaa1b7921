"""One run of the emulator: from its banner to its last request."""

from __future__ import annotations

import asyncio

import attrs
import click

from aliocr.cli.console import counted, writing
from aliocr.cli.emulate.banner import banner, is_open
from aliocr.cli.emulate.request_log import RequestLog
from aliocr.cli.signals import stop_signals
from aliocr.emulator import Emulator

WARNING = "warning: other machines can reach this port, read all requests and change all replies"

FETCHING = (
    ", and make the emulator fetch URLs that only this machine can reach (--public-only prevents "
    "this)"
)


@attrs.frozen
class EmulatorRun:
    """One run of the emulator.

    Args:
        known: Text that says where the user finds the secret; None if the secret was generated.
        fetches: Clients can make the emulator download from addresses that are not public.
        grace: Maximum time for the requests in flight after a stop signal, in seconds.
    """

    emulator: Emulator
    log: RequestLog
    host: str
    known: str | None
    fetches: bool
    grace: float

    async def serve(self) -> None:
        """Serve until a signal, then finish the requests in flight.

        Raises:
            ImportError: An extra is missing.
            OSError, UnicodeError: The emulator cannot listen at its address.
        """
        async with self.emulator:
            stop = asyncio.Event()
            with stop_signals(stop.set):
                if await is_open(self.host):
                    self.log.say(WARNING + FETCHING if self.fetches else WARNING, "yellow")
                lines = banner(self.emulator, self.known, accounts=self.log.accounts)
                with writing():
                    click.echo("\n".join(lines))
                await stop.wait()
                if in_flight := self.emulator.under_way:
                    rest = counted(in_flight, "request")
                    self.log.say(f"finishing {rest}; press Ctrl-C again to stop immediately")
                if cut_off := await self.emulator.stop(self.grace):
                    rest = counted(cut_off, "request")
                    self.log.say(f"{rest} cut off after {self.grace:g} s", "red")
                elif self.log.on_terminal:
                    self.log.say("stopped")
