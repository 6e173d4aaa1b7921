"""Both learnt rates together, against models of servers, in virtual time.

The cases and their targets are those of `python -m benchmarks.rates`, which measures them with many
seeds. Here a few seeds are allowed a margin for their number; `--soak` takes 20 seeds, and half of
the margin for all but refusals.
"""

from collections import defaultdict
from statistics import fmean

import pytest

pytest.importorskip("benchmarks.rates", reason="the benchmarks are in a clone, not in the wheel")

from benchmarks.rates.cases import CASES, Case

FEW, MANY = range(1000, 1002), range(1000, 1020)

MARGINS = {
    "share": 0.12,
    "10 to 50, s": 4.0,
    "50 to 1,000, s": 4.0,
    "1,000 to 100, refused %": 5.0,
    "during": 0.06,
    "+10 s": 0.06,
    "+30 s": 0.06,
    "least ÷ even": 0.2,
    "together": 0.03,
}
"""How far the mean of few seeds may be from the target."""

STEADY = 0.02
"""The same for shares on a steady server, which hardly differ between seeds."""

REFUSED = 0.6
"""The same for refused images, as a fraction of the target. They cost nothing but time; processes
that share a quota miss this target by up to a half where answers take 1 s."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.question)
def test_rates_reach_their_targets(case: Case, *, soak: bool) -> None:
    """Alone, with chance refusals, after a fault, and beside other processes."""
    if not soak and (case.row == "e" or "600 s" in case.question):
        pytest.skip("many worlds: only with --soak")
    worlds = [case.measure(seed) for seed in (MANY if soak else FEW)]
    for goal, values in zip(case.goals, zip(*worlds, strict=True), strict=True):
        if goal.name == "refused %":
            margin = REFUSED * goal.mean
        elif case.row == "a":
            margin = STEADY
        else:
            margin = MARGINS[goal.name] / (2 if soak else 1)
        allowed = goal.mean - margin if goal.sense == "≥" else goal.mean + margin
        assert goal.meets(fmean(values), allowed), (goal.name, values)


def test_requests_alone_are_hardly_refused() -> None:
    """0.3 % of the 2,400 requests of four minutes, on every kind of server: a figure, not one."""
    for case in CASES:
        if case.question.startswith("requests from the start"):
            refused = [case.measure(seed)[1] for seed in range(1000, 1006)]
            assert fmean(refused) <= 0.3, case.question


def test_processes_get_at_least_half_of_an_even_share() -> None:
    """A second and a third one, on any quota, all windows alike; together 0.8 of it."""
    shares: dict[str, list[float]] = defaultdict(list)
    for case in CASES:
        if case.row == "e" and "0.1 s" in case.question:
            quota = case.question.partition(", answers")[0]
            for seed in range(1000, 1003):
                least, together, _ = case.measure(seed)
                shares[quota].append(least)
                assert together >= 0.8, case.question
    assert len(shares) == 8
    for quota, least_shares in shares.items():
        assert fmean(least_shares) >= 0.5, quota
        assert min(least_shares) > 0.1, quota
