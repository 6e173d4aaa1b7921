"""Faults by chance: at the given rates, and repeatable."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping

import aiohttp
import pytest

from aliocr.emulator import Emulator
from aliocr.emulator.chaos import Chaos, ConnectionFault
from tests.support.asking import ask

URLS = [f"https://example.com/{number}.png" for number in range(100)]


def chaos(
    seed: int = 0,
    requests: Mapping[str, float] | None = None,
    images: Mapping[str, float] | None = None,
    delay: float = 0.0,
) -> Chaos:
    """Return chaos with only these rates."""
    return Chaos(seed, requests or {}, images or {}, delay)


def test_faults_come_at_their_rates() -> None:
    """Each request has one fault at most."""
    drawn = chaos(requests={"drop_connection": 0.1, "Throttling.User": 0.2, "503": 0.3})
    faults = Counter(drawn.next_fault() for _ in range(10_000))
    assert set(faults) == {ConnectionFault.DROP, "Throttling.User", "503", None}
    for name, rate in (
        (ConnectionFault.DROP, 0.1),
        ("Throttling.User", 0.2),
        ("503", 0.3),
        (None, 0.4),
    ):
        assert abs(faults[name] - 10_000 * rate) < 250  # five standard deviations


def test_the_failure_of_an_image_depends_on_its_url_and_its_tries_alone() -> None:
    """The order of concurrent requests changes nothing, so a run can be repeated."""
    one, other = chaos(images={"592": 0.5}), chaos(images={"592": 0.5})
    fates = {url: [one.next_failure(url) for _ in range(3)] for url in URLS}
    again = {url: [other.next_failure(url)] for url in reversed(URLS)}
    for url in URLS:
        again[url] += [other.next_failure(url), other.next_failure(url)]
    assert fates == again
    assert {None, 592} == {fate for tries in fates.values() for fate in tries}


def test_chaos_of_a_long_run_remembers_the_last_images_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its memory does not grow with a million images."""
    monkeypatch.setattr("aliocr.emulator.url_counts.REMEMBERED", 10)
    drawn = chaos(images={"592": 0.5})
    for url in URLS:
        drawn.next_failure(URLS[0])
        drawn.next_failure(url)
    assert len(drawn._tries) == 10
    assert drawn._tries.count(URLS[0]) == 102, (
        "an image that is asked for again and again is not forgotten"
    )


def test_requests_are_numbered_however_many_images_there_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A long run does not repeat its faults."""
    monkeypatch.setattr("aliocr.emulator.url_counts.REMEMBERED", 10)
    plain, long = (chaos(requests={"503": 0.5}, images={"592": 0.5}) for _ in range(2))
    expected = [plain.next_fault() for _ in range(40)]
    faults = []
    for number in range(40):
        faults.append(long.next_fault())
        long.next_failure(URLS[number])
    assert faults == expected


def test_another_seed_is_another_chaos() -> None:
    """With the same rates, but other faults."""
    fates = [
        [chaos(seed, images={"592": 0.5}).next_failure(url) for url in URLS] for seed in (1, 2)
    ]
    assert fates[0] != fates[1]


def test_delays_are_drawn_up_to_the_one_given() -> None:
    """Evenly."""
    drawn = chaos(delay=2.0)
    delays = [drawn.next_delay() for _ in range(1000)]
    assert 0 <= min(delays) < 0.1
    assert 1.9 < max(delays) < 2


@pytest.mark.parametrize(
    ("slip", "said"),
    [
        ({"requests": {"drop": 0.1}}, "drop_connection"),
        ({"requests": {"200": 0.1}}, "'200'"),
        ({"requests": {"HANG": 0.1}}, "'HANG'"),
        ({"requests": {"hang": -0.1}}, "from 0 to 1"),
        ({"requests": {"hang": float("nan")}}, "from 0 to 1"),
        ({"requests": {"hang": 0.6, "stall": 0.6}}, "1.2"),
        ({"images": {"hang": 0.1}}, "592"),
        ({"images": {"0200": 0.1}}, "0200"),
        ({"requests": {"9" * 5000: 0.1}}, "999"),
        ({"images": {"200": 0.1}}, "'200'"),
        ({"delay": -1.0}, "delay"),
        ({"delay": float("inf")}, "delay"),
    ],
)
def test_invalid_chaos_is_refused(slip: dict[str, object], said: str) -> None:
    """The message names the valid values."""
    emulator = Emulator()
    with pytest.raises(ValueError, match=said):
        emulator.chaos(**slip)  # type: ignore[arg-type]


async def test_chaos_applies_where_no_instruction_does() -> None:
    """An instruction goes before chance; chaos can be turned off again."""
    async with Emulator(requests_per_second=None) as emulator:
        emulator.chaos(requests={"503": 1}, images={592: 1})
        emulator.refuse("Throttling.User")
        assert (await ask(emulator)).json["Code"] == "Throttling.User"
        assert (await ask(emulator)).json["code"] == 503
        emulator.chaos(images={592: 1})
        emulator.fail(URLS[0], 404, times=1)
        assert (await ask(emulator, *URLS[:2])).codes == [404, 592]
        emulator.chaos()
        assert (await ask(emulator, *URLS)).codes == [200] * 100


async def test_a_connection_breaks_by_chance() -> None:
    """Each fault of a connection has its name."""
    async with Emulator(requests_per_second=None) as emulator:
        for name in ("drop_connection", "truncate_body"):
            emulator.chaos(requests={name: 1})
            with pytest.raises(aiohttp.ClientError):
                await ask(emulator)
        for name in ("stall", "hang"):
            emulator.chaos(requests={name: 1})
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await ask(emulator)
        assert emulator.charged == 3
