"""The vendor's SDK, unchanged, used as its samples and users use it."""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from benchmarks.tally import CREDENTIALS, url_of

__all__ = ["IMAGES_PER_REQUEST", "missing_sdk", "sdk_answers"]

THREADS = 10
"""As many as the SDK keeps connections open by default."""

IMAGES_PER_REQUEST = 100

THROTTLED = ("Throttling", "Throttling.User", "Throttling.Api")


def missing_sdk() -> str | None:
    """One sentence if the SDK is not installed."""
    absent = [name for name in ("aliyunsdkcore", "aliyunsdkgreen") if find_spec(name) is None]
    if not absent:
        return None
    return f"the vendor's SDK is not installed ({', '.join(absent)}): pip install -e '.[bench]'"


async def sdk_answers(url: str, seconds: float) -> list[float]:
    """Read images with ten threads for so many seconds.

    Returns:
        The moment, in seconds from the start, at which each image was read.
    """
    for name in ("http_proxy", "https_proxy"):  # the SDK takes these for loopback addresses, too
        os.environ.pop(name, None)
        os.environ.pop(name.upper(), None)
    loop = asyncio.get_running_loop()
    read: list[float] = []
    numbers = count()
    start = time.monotonic()
    with ThreadPoolExecutor(THREADS) as pool:
        client = _client(url)
        threads = [
            loop.run_in_executor(pool, _work, client, numbers, start, seconds, read)
            for _ in range(THREADS)
        ]
        await asyncio.gather(*threads)
    return read


def _client(url: str) -> Any:
    from aliyunsdkcore.client import AcsClient

    key, secret = CREDENTIALS.access_key_id, CREDENTIALS.access_key_secret
    return AcsClient(key, secret, "cn-shanghai", port=urlsplit(url).port, pool_size=THREADS)


def _work(
    client: Any, numbers: count[int], start: float, seconds: float, read: list[float]
) -> None:
    while time.monotonic() - start < seconds:
        reply = json.loads(
            _send(client, [url_of(next(numbers)) for _ in range(IMAGES_PER_REQUEST)])
        )
        found = sum(element["code"] == 200 for element in reply["data"])
        read.extend([time.monotonic() - start] * found)


def _send(client: Any, urls: list[str]) -> bytes:
    """One request, again and again while it is throttled."""
    from aliyunsdkcore.acs_exception.exceptions import ServerException
    from aliyunsdkgreen.request.v20180509.ImageSyncScanRequest import ImageSyncScanRequest

    tasks = [{"dataId": str(number), "url": url} for number, url in enumerate(urls)]
    while True:
        request = ImageSyncScanRequest()
        request.set_endpoint("127.0.0.1")
        request.set_accept_format("JSON")
        request.set_content(json.dumps({"scenes": ["ocr"], "tasks": tasks}).encode())
        try:
            body: bytes = client.do_action_with_exception(request)
        except ServerException as error:
            if error.get_error_code() not in THROTTLED:
                raise
            time.sleep(random.uniform(0.1, 1.0))
        else:
            return body
