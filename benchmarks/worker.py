"""Run measurements: in a fresh process, in turn, or at the same time."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

LIMIT = 420.0
"""Timeout of one measurement, in seconds. After this time, it fails with TimeoutError."""

P = ParamSpec("P")
T = TypeVar("T")
K = TypeVar("K")


def run_fresh(
    function: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run a coroutine function in a new event loop in a new process, and return its result.

    Raises:
        TimeoutError: The function did not end within `LIMIT`.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_run, function, args, kwargs).result()


def measure_interleaved(variants: Mapping[K, Callable[[], T]], rounds: int) -> dict[K, list[T]]:
    """Measure in turn (A B C, A B C, …), so that slow changes of the machine affect all variants.

    Returns:
        The results by variant, one result per round.
    """
    measured: dict[K, list[T]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, measure in variants.items():
            measured[name].append(measure())
    return measured


def measure_concurrently(measures: Mapping[K, Callable[[], T]]) -> dict[K, T]:
    """Run measurements at the same time. They must mostly wait for the clock."""
    with ThreadPoolExecutor(max(1, len(measures))) as pool:
        running = {name: pool.submit(measure) for name, measure in measures.items()}
    return {name: future.result() for name, future in running.items()}


def _run(function: Callable[..., Coroutine[Any, Any, T]], args: Any, kwargs: dict[str, Any]) -> T:
    async def limited() -> T:
        async with asyncio.timeout(LIMIT):
            return await function(*args, **kwargs)

    return asyncio.run(limited())
