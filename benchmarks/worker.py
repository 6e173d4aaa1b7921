"""A fresh process for one measurement, so that none warms up or litters another's."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

__all__ = ["by_turns", "fresh", "side_by_side"]

LIMIT = 420.0
"""Seconds. An image that has no outcome by then is lost."""

P = ParamSpec("P")
T = TypeVar("T")
K = TypeVar("K")


def fresh(function: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a coroutine function on a loop of its own in a new Python.

    Raises:
        TimeoutError: It did not end, so something in it waits for ever.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_run, function, args, kwargs).result()


def by_turns(variants: Mapping[K, Callable[[], T]], rounds: int) -> dict[K, list[T]]:
    """Measure A B C, A B C, …: what drifts with time drifts for all, and a round's ratio is fair.

    Returns:
        By variant, what each round measured.
    """
    measured: dict[K, list[T]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, measure in variants.items():
            measured[name].append(measure())
    return measured


def side_by_side(measures: Mapping[K, Callable[[], T]]) -> dict[K, T]:
    """Measure all at the same time: for what mostly waits for the clock, and counts."""
    with ThreadPoolExecutor(max(1, len(measures))) as pool:
        running = {name: pool.submit(measure) for name, measure in measures.items()}
    return {name: future.result() for name, future in running.items()}


def _run(function: Callable[..., Coroutine[Any, Any, T]], args: Any, kwargs: dict[str, Any]) -> T:
    async def limited() -> T:
        async with asyncio.timeout(LIMIT):
            return await function(*args, **kwargs)

    return asyncio.run(limited())
