"""A job that takes an hour by the clock of the keys, and outlives three of them."""

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aliocr import Credentials, Job, Limits, Session
from aliocr.emulator import Emulator
from aliocr.emulator.access.account import AccessKey, Account
from aliocr.keys import vendor

LIFE = 1200.0
KEYS = [Credentials(f"STS.key{n}", f"secret-{n}", f"token-{n}") for n in range(4)]


class Hour:
    """Clock, limiter and source of keys: a request takes 50 s, and each key ends in 20 minutes.

    Args:
        account: The account, on which a key ends in time.
        ahead: Seconds before the end of a key at which the source gives the next one.
    """

    def __init__(self, account: Emulator, ahead: float) -> None:
        self.ends = [0.0]
        self._account = account
        self._ahead = ahead

    @property
    def now(self) -> float:
        """The time, in seconds."""
        return 50.0 * len(self._account.calls)

    async def acquire(self) -> None:
        """End the keys whose time has come."""
        for key, end in zip(KEYS, self.ends[1:], strict=False):
            if end <= self.now:
                self._account.expire_token(key.access_key_id)

    def get_credentials(self) -> Credentials:
        """Return the key of the time, as a source of the vendor that keeps its end to itself."""
        if self.now >= self.ends[-1] - self._ahead:
            self.ends.append(self.now + LIFE)
        return KEYS[len(self.ends) - 2]


class Inline:
    """A thread that has done its work when it has been started: time passes by requests alone."""

    def __init__(self, target: Callable[..., object], args: Any, **_: object) -> None:
        self.start = lambda: target(*args)


@pytest.mark.parametrize("ahead", [180.0, 0.0], ids=["renewed ahead", "renewed when refused"])
async def test_an_hours_job_outlives_three_keys(
    ahead: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No image fails; a key that is renewed ahead costs no request either."""
    urls = tmp_path / "urls.txt"
    urls.write_text("".join(f"https://example.com/{n}.png\n" for n in range(75)))
    account = Account([AccessKey(key) for key in KEYS], None)
    async with Emulator(accounts=[account]) as emulator:
        hour = Hour(emulator, ahead)
        clock = SimpleNamespace(monotonic=lambda: hour.now, time=lambda: hour.now)
        monkeypatch.setattr(vendor, "time", clock)
        threads = SimpleNamespace(Thread=Inline, Lock=threading.RLock)
        monkeypatch.setattr(vendor, "threading", threads)
        async with Session(
            credentials=hour,
            endpoint=emulator.url,
            limiter=hour,
            limits=Limits(images_per_request=1, images_in_flight=1),
        ) as ocr:
            summary = await Job(urls, tmp_path / "out.jsonl").run(ocr)
        refused = len(emulator.calls) - 75
    assert (summary.read, len(summary.failed)) == (75, 0)
    assert hour.now > 3600
    assert len(hour.ends) - 1 == len(KEYS)
    assert bool(refused) == (ahead == 0)
