"""An emulator from the first word about it to the last request."""

from __future__ import annotations

import attrs
import click

from aliocr.cli.emulate.banner import greeting, is_open
from aliocr.cli.emulate.request_log import RequestLog
from aliocr.cli.humanize import counted
from aliocr.cli.output import writing
from aliocr.cli.stopping import StopSignals
from aliocr.emulator import Emulator

WARNING = """\
warning: other machines can reach this port; whoever does can read and change all that it was \
asked and told"""

FETCHING = ", and have it fetch what only this machine can reach (--public-only prevents that)"


@attrs.frozen
class Running:
    """A run of the emulator for whoever reaches it.

    Args:
        emulator: Not started yet.
        log: Where to say what goes on.
        host: Where it will listen.
        known: Where its secret stands; None if it was made up.
        fetches: Whether it can be had to fetch from addresses that are not public.
        grace: Seconds, at most, for the requests under way when it is to stop.
    """

    emulator: Emulator
    log: RequestLog
    host: str
    known: str | None
    fetches: bool
    grace: float

    async def run(self) -> None:
        """Serve until told to stop, and then for as long as it takes to finish.

        Raises:
            ImportError: An extra is missing.
            OSError, UnicodeError: Nothing can listen there.
        """
        with self.log.listening():
            async with self.emulator:
                with StopSignals() as signals:
                    await self._greet()
                    await signals.asked.wait()
                    await self._finish()

    async def _greet(self) -> None:
        if await is_open(self.host):
            self.log.say(WARNING + FETCHING if self.fetches else WARNING, "yellow")
        lines = greeting(self.emulator, self.known, accounts=self.log.accounts)
        with writing():
            click.echo("\n".join(lines))

    async def _finish(self) -> None:
        under_way = self.emulator.under_way
        if under_way:
            self.log.say(f"finishing {counted(under_way, 'request')}; once more to stop at once")
        cut_off = await self.emulator.stop(self.grace)
        if cut_off:
            self.log.say(f"{counted(cut_off, 'request')} cut off after {self.grace:g} s", "red")
        elif self.log.on_terminal:
            self.log.say("stopped")
