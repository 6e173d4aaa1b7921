"""Peers that use the unchanged SDKs of the vendor, as the samples of the vendor do."""

from __future__ import annotations

import asyncio
import json
import os
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from benchmarks.peers.contract import IN_FLIGHT, Note, absent, batches
from benchmarks.tally import CREDENTIALS

THROTTLED = ("Throttling", "Throttling.User", "Throttling.Api")


def _tasks(images: list[str]) -> dict[str, Any]:
    tasks = [{"dataId": str(number), "url": url} for number, url in enumerate(images)]
    return {"scenes": ["ocr"], "tasks": tasks}


def _forget_proxies() -> None:
    """Remove the proxy variables, because both SDKs use a proxy even for loopback addresses."""
    for name in ("http_proxy", "https_proxy"):
        os.environ.pop(name, None)
        os.environ.pop(name.upper(), None)


class CoreSdk:
    """aliyun-python-sdk-core with -green, in threads that repeat throttled requests."""

    name = "core SDK, threads"
    imports = (
        "import json; from aliyunsdkcore.client import AcsClient; from aliyunsdkgreen.request"
        ".v20180509.ImageSyncScanRequest import ImageSyncScanRequest"
    )

    def missing(self) -> str | None:
        """Return a sentence if the SDK is not installed, otherwise None."""
        return absent("the vendor's SDK", "aliyunsdkcore", "aliyunsdkgreen")

    async def read_images(
        self,
        url: str,
        images: Iterator[str],
        note: Note,
        *,
        per_request: int = 100,
        in_flight: int = IN_FLIGHT,
    ) -> None:
        """Read all images; see `Peer`."""
        from aliyunsdkcore.client import AcsClient

        _forget_proxies()
        key, secret = CREDENTIALS.access_key_id, CREDENTIALS.access_key_secret
        client = AcsClient(key, secret, "cn-shanghai", port=urlsplit(url).port, pool_size=in_flight)
        requests = batches(images, per_request)
        one_at_a_time = threading.Lock()

        def work() -> None:
            for batch in requests:
                reply = json.loads(_sent(client, batch))
                read = [answer for answer in reply["data"] if answer["code"] == 200]
                with one_at_a_time:
                    note(len(read), read)

        loop = asyncio.get_running_loop()
        with closing(client.session), ThreadPoolExecutor(in_flight) as pool:
            await asyncio.gather(*(loop.run_in_executor(pool, work) for _ in range(in_flight)))


def _sent(client: Any, images: list[str]) -> bytes:
    """Send one request, repeat the request while it is throttled, and return the reply."""
    from aliyunsdkcore.acs_exception.exceptions import ServerException
    from aliyunsdkgreen.request.v20180509.ImageSyncScanRequest import ImageSyncScanRequest

    while True:
        request = ImageSyncScanRequest()
        request.set_endpoint("127.0.0.1")
        request.set_accept_format("JSON")
        request.set_content(json.dumps(_tasks(images)).encode())
        try:
            body: bytes = client.do_action_with_exception(request)
        except ServerException as error:
            if error.get_error_code() not in THROTTLED:
                raise
            time.sleep(random.uniform(0.1, 1.0))
        else:
            return body


_GENERIC_CALL = {
    "action": "ImageSyncScan",
    "version": "2018-05-09",
    "protocol": "HTTP",
    "pathname": "/green/image/scan",
    "method": "POST",
    "auth_type": "AK",
    "style": "ROA",
    "req_body_type": "json",
    "body_type": "json",
}


class TeaSdk:
    """alibabacloud-tea-openapi with asyncio.

    This peer uses the generic call, because the generated call sends no body.
    """

    name = "tea-openapi, async"
    imports = "from alibabacloud_tea_openapi.client import Client"

    def missing(self) -> str | None:
        """Return a sentence if the SDK is not installed, otherwise None."""
        return absent("alibabacloud-tea-openapi", "alibabacloud_tea_openapi", "darabonba")

    async def read_images(
        self,
        url: str,
        images: Iterator[str],
        note: Note,
        *,
        per_request: int = 100,
        in_flight: int = IN_FLIGHT,
    ) -> None:
        """Read all images; see `Peer`."""
        from alibabacloud_tea_openapi.client import Client
        from alibabacloud_tea_openapi.utils_models import Config, OpenApiRequest, Params
        from darabonba.runtime import RuntimeOptions

        _forget_proxies()
        client = Client(
            Config(
                access_key_id=CREDENTIALS.access_key_id,
                access_key_secret=CREDENTIALS.access_key_secret,
                endpoint=urlsplit(url).netloc,
            )
        )
        how = Params(**_GENERIC_CALL)
        requests = batches(images, per_request)

        async def work() -> None:
            for batch in requests:
                request = OpenApiRequest(body=_tasks(batch))
                reply = (await client.call_api_async(how, request, RuntimeOptions()))["body"]
                read = [answer for answer in reply["data"] if answer["code"] == 200]
                note(len(read), read)

        await asyncio.gather(*(work() for _ in range(in_flight)))
