"""Cases of the table of learnt rates. Each case is a world that is measured with many seeds.

Shares are of the limit, and count what was accepted. Where no image quota limits, 10 requests per
second carry 1,000 images. What a service refuses by chance is no part of the limit.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Literal, TypeAlias

import attrs

from aliocr.emulator.access.rate_window import WINDOWS, WindowKind
from benchmarks.rates.model import Character, Client, Counts, World

FULL_RATE = 1000.0
"""Images per second without an image quota: 10 requests with 100 images each."""

FASTEST = 945.0
"""Images per second that a client reaches at the first rate of requests."""

LENGTH = 240.0
"""Length of a case with one client, in seconds."""

SETTLED = 20.0
"""Seconds after which a client has learnt a steady quota."""

BETWEEN_STARTS = 10.0
"""Seconds between the starts of two processes."""

SHARING_FROM, SHARING_FOR = 25.0, 65.0
"""When shares are counted: seconds after the last start, and for how long."""

Measure: TypeAlias = Callable[[int], Sequence[float]]
"""Returns one value per goal for a seed."""


@attrs.frozen
class Goal:
    """One figure of a case, and its target.

    Args:
        name: What is measured.
        sense: "≥" if more is better, "≤" if less is.
        mean: Target of the mean over the seeds.
        worst: Target of the worst seed; None if there is none.
        digits: Digits after the point. Targets are compared with rounded values.
    """

    name: str
    sense: Literal["≤", "≥"]
    mean: float
    worst: float | None = None
    digits: int = 2

    def meets(self, value: float, target: float) -> bool:
        """Tell if a value meets a target."""
        rounded = round(value, self.digits)
        return rounded >= target if self.sense == "≥" else rounded <= target


@attrs.frozen
class Case:
    """One line of the table.

    Args:
        row: Letter of the group of cases, for `--rows`.
        question: The fault, the quota and the window.
        measure: Measures a world of one seed.
        goals: The figures that `measure` returns.
    """

    row: str
    question: str
    measure: Measure
    goals: tuple[Goal, ...]


def _alone(character: Character, seed: int, seconds: float = LENGTH) -> Client:
    world = World(character, seed)
    client = world.add_client()
    world.run_until(seconds)
    return client


def _percent(part: float, whole: float) -> float:
    return 100 * part / max(1.0, whole)


def _refused_images(counts: Counts) -> float:
    return _percent(counts.over_quota, counts.over_quota + counts.accepted)


# --- a: one client on a steady server -------------------------------------------------------------


def _requests(character: Character, seed: int) -> Sequence[float]:
    counts = _alone(character, seed).count(0, LENGTH)
    refused = _percent(counts.throttled, counts.requests)
    return counts.requests_per_second / 10, refused


def _images(character: Character, seed: int) -> Sequence[float]:
    counts = _alone(character, seed, LENGTH + SETTLED).count(SETTLED, LENGTH + SETTLED)
    return counts.images_per_second / (character.images or FULL_RATE), _refused_images(counts)


def _steady_cases() -> Iterator[Case]:
    targets: dict[WindowKind, tuple[tuple[float, float], ...]] = {
        "sliding": ((0.95, 0.28), (0.91, 1.6), (0.89, 0.4)),
        "fixed": ((0.97, 0.17), (0.96, 2.2), (0.94, 0.9)),
        "bucket": ((0.99, 0.0), (1.0, 2.2), (1.0, 0.8)),
    }
    for window, (requests, ten, hundred) in targets.items():
        yield Case(
            "a",
            f"requests from the start, {window}",
            partial(_requests, Character(window=window)),
            (Goal("share", "≥", requests[0]), Goal("refused %", "≤", requests[1])),
        )
        for quota, (use, refused) in ((10.0, ten), (100.0, hundred)):
            yield Case(
                "a",
                f"quota of {quota:.0f} images, {window}",
                partial(_images, Character(window=window, images=quota)),
                (Goal("share", "≥", use), Goal("refused %", "≤", refused, digits=1)),
            )


# --- b: a quota that is raised twice, then lowered ------------------------------------------------


def _seconds_to_reach(client: Client, quota: float, start: float, end: float) -> float:
    """Return the seconds until 85 % of a quota was accepted within one second."""
    recent: list[tuple[float, int]] = []
    for arrival in client.between(start, end):
        recent.append((arrival.moment, arrival.accepted))
        recent = [(moment, count) for moment, count in recent if moment > arrival.moment - 1]
        if sum(count for _, count in recent) >= 0.85 * min(quota, FASTEST):
            return arrival.moment - start
    return end - start


def _changed_quota(window: WindowKind, seed: int) -> Sequence[float]:
    world = World(Character(window=window, images=10), seed)
    client = world.add_client()
    when = random.Random(seed)
    changes = [30 + when.uniform(0, 6)]
    changes += [changes[0] + 30 + when.uniform(0, 6)]
    changes += [changes[1] + 30]
    for moment, quota in zip(changes, (50, 1000, 100), strict=True):
        world.run_until(moment)
        world.allow_images(quota)
    first, second, drop = changes
    world.run_until(drop + 33)
    return (
        _seconds_to_reach(client, 50, first, second),
        _seconds_to_reach(client, 1000, second, drop),
        _refused_images(client.count(drop + 3, drop + 33)),
    )


def _changed_cases() -> Iterator[Case]:
    targets: dict[WindowKind, tuple[float, float, float]] = {
        "sliding": (6.7, 6.5, 4.1),
        "fixed": (6.0, 7.9, 1.9),
        "bucket": (7.6, 6.9, 6.7),
    }
    for window, (first, second, drop) in targets.items():
        goals = (
            Goal("10 to 50, s", "≤", first, 12, 1),
            Goal("50 to 1,000, s", "≤", second, 12, 1),
            Goal("1,000 to 100, refused %", "≤", drop, None, 1),
        )
        yield Case("b", f"quota changed, {window}", partial(_changed_quota, window), goals)


# --- c: refusals by chance ------------------------------------------------------------------------


def _by_chance(character: Character, seed: int) -> Sequence[float]:
    counts = _alone(character, seed, SETTLED + LENGTH).count(SETTLED, SETTLED + LENGTH)
    chances = (character.image_chance, character.whole_chance, character.throttle_chance(0.0))
    limit = character.images or FULL_RATE * (1 - max(chances))
    return (counts.images_per_second / limit,)


def _one_in(share: float) -> Callable[[float], float]:
    return lambda _: share


def _chance_cases() -> Iterator[Case]:
    quotas = (None, 100.0, 10.0)
    faults: tuple[tuple[str, Character, tuple[tuple[float, float | None], ...]], ...] = (
        (
            "1 % of images",
            Character(image_chance=0.01),
            ((0.95, None), (0.77, None), (0.85, None)),
        ),
        (
            "5 % of images",
            Character(image_chance=0.05),
            ((0.95, 0.93), (0.77, 0.60), (0.62, 0.52)),
        ),
        (
            "5 % of requests, all images",
            Character(whole_chance=0.05),
            ((0.82, 0.54), (0.70, 0.63), (0.65, 0.56)),
        ),
    )
    for name, character, targets in faults:
        for quota, (mean, worst) in zip(quotas, targets, strict=True):
            limit = "no quota" if quota is None else f"quota of {quota:.0f}"
            yield Case(
                "c",
                f"588 by chance: {name}, {limit}",
                partial(_by_chance, attrs.evolve(character, images=quota)),
                (Goal("share", "≥", mean, worst),),
            )
    for share, mean, worst in ((0.01, 0.95, None), (0.05, 0.71, 0.61)):
        yield Case(
            "c",
            f"throttled by chance: {share:.0%} of requests",
            partial(_by_chance, Character(throttle_chance=_one_in(share))),
            (Goal("share", "≥", mean, worst),),
        )


# --- d: recovery ----------------------------------------------------------------------------------


def _throttled_for(seconds: float, seed: int) -> Sequence[float]:
    end = 30 + seconds
    character = Character(throttle_chance=lambda now: 0.2 if 30 <= now < end else 0.0)
    client = _alone(character, seed, end + 40)
    spans = ((30, end), (end + 10, end + 20), (end + 30, end + 40))
    return [client.count(*span).images_per_second / FULL_RATE for span in spans]


def _stranger_leaves(quota: float, seed: int) -> Sequence[float]:
    world = World(Character(images=quota), seed)
    client, stranger = world.add_client(), world.add_client(10)
    world.run_until(60)
    stranger.stop()
    world.run_until(80)
    return (client.count(70, 80).images_per_second / quota,)


def _recovery_cases() -> Iterator[Case]:
    after = (Goal("+10 s", "≥", 0.90, 0.87), Goal("+30 s", "≥", 0.90, 0.87))
    for seconds in (60.0, 600.0):
        yield Case(
            "d",
            f"20 % of requests throttled for {seconds:.0f} s",
            partial(_throttled_for, seconds),
            (Goal("during", "≥", 0.22), *after),
        )
    for quota, mean, worst in ((10.0, 0.91, 0.83), (100.0, 0.87, 0.81), (1000.0, 0.92, 0.07)):
        yield Case(
            "d",
            f"a second process leaves a quota of {quota:.0f}",
            partial(_stranger_leaves, quota),
            (Goal("+10 s", "≥", mean, worst),),
        )


# --- e: several processes on one account ----------------------------------------------------------


def _sharing(character: Character, processes: int, seed: int) -> Sequence[float]:
    world = World(character, seed)
    for number in range(processes):
        world.add_client(number * BETWEEN_STARTS)
    start = (processes - 1) * BETWEEN_STARTS + SHARING_FROM
    world.run_until(start + SHARING_FOR)
    counts = [client.count(start, start + SHARING_FOR) for client in world.clients]
    if character.images is None:
        limit, got = 10.0, [count.requests_per_second for count in counts]
        refused = _percent(
            sum(count.throttled for count in counts), sum(count.requests for count in counts)
        )
    else:
        limit, got = character.images, [count.images_per_second for count in counts]
        over, accepted = (
            sum(count.over_quota for count in counts),
            sum(count.accepted for count in counts),
        )
        refused = _percent(over, over + accepted)
    return min(got) * processes / limit, sum(got) / limit, refused


def _sharing_cases() -> Iterator[Case]:
    shared: tuple[tuple[str, Character, tuple[tuple[float, float, float], ...]], ...] = (
        ("10 requests", Character(), ((0.80, 0.60, 5), (0.80, 0.69, 9))),
        (
            "1,000 images, no request limit",
            Character(requests=None, images=1000),
            ((0.70, 0.25, 12), (0.63, 0.23, 10)),
        ),
        ("100 images", Character(images=100), ((0.70, 0.33, 11), (0.51, 0.14, 14))),
        ("10 images", Character(images=10), ((0.76, 0.59, 13), (0.80, 0.71, 21))),
    )
    for name, character, targets in shared:
        for processes, (least, worst, refused) in zip((2, 3), targets, strict=True):
            goals = (
                Goal("least ÷ even", "≥", least, worst),
                Goal("together", "≥", 0.82),
                Goal("refused %", "≤", refused, None, 0),
            )
            for answers in (0.1, 1.0):
                for window in WINDOWS:
                    like = attrs.evolve(character, window=window, answers=(answers, answers))
                    yield Case(
                        "e",
                        f"{processes} on {name}, answers of {answers:g} s, {window}",
                        partial(_sharing, like, processes),
                        goals,
                    )


CASES = (
    *_steady_cases(),
    *_changed_cases(),
    *_chance_cases(),
    *_recovery_cases(),
    *_sharing_cases(),
)
"""All cases. Their targets are the best law that was found by simulation before."""
