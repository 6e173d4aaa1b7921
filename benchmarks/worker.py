"""A fresh process for one measurement, so that none warms up or litters another's."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Coroutine
from concurrent.futures import ProcessPoolExecutor
from typing import Any, ParamSpec, TypeVar

__all__ = ["fresh"]

LIMIT = 420.0
"""Seconds. An image that has no outcome by then is lost."""

P = ParamSpec("P")
T = TypeVar("T")


def fresh(function: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a coroutine function on a loop of its own in a new Python.

    Raises:
        TimeoutError: It did not end, so something in it waits for ever.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_run, function, args, kwargs).result()


def _run(function: Callable[..., Coroutine[Any, Any, T]], args: Any, kwargs: dict[str, Any]) -> T:
    async def limited() -> T:
        async with asyncio.timeout(LIMIT):
            return await function(*args, **kwargs)

    return asyncio.run(limited())
