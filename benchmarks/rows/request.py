"""Row 12: cost of building a request, compared with the checksum that the service requires."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable
from statistics import median

from aliocr import Image
from aliocr.protocol import signing, wire
from benchmarks.figures import Row, at_most
from benchmarks.spread import ratios
from benchmarks.tally import CREDENTIALS, url_of
from benchmarks.worker import run_fresh

REPEATS = 500

SIGNED = (
    "?x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-expires=3600&x-oss-date=20241213T064550Z"
    "&x-oss-credential=LTAI5tExampleExampleExam%2F20241213%2Fcn-shanghai%2Foss%2Faliyun_v4_request"
    "&x-oss-signature=" + "5e" * 32
)
"""Query string of the signed URL of a picture in a private bucket."""


async def _microseconds(query: str) -> tuple[float, float]:
    """Measure building a signed request, and computing the MD5 of its body."""
    images = [Image(url_of(number) + query) for number in range(100)]

    def build() -> bytes:
        body = wire.encode_request(wire.name_images(images))
        signing.signed_headers(body, CREDENTIALS, timestamp=time.time(), nonce=str(uuid.uuid4()))
        return body

    body = build()
    built, summed = [], []
    for _ in range(7):
        built.append(_each(build))
        summed.append(_each(lambda: hashlib.md5(body, usedforsecurity=False).digest()))
    return median(built), median(summed)


def _each(action: Callable[[], object]) -> float:
    start = time.process_time()
    for _ in range(REPEATS):
        action()
    return 1e6 * (time.process_time() - start) / REPEATS


def measure_request(*, quick: bool) -> list[Row]:
    """Measure row 12 with signed URLs. Details give the values for the short URLs of other rows."""
    rounds = 1 if quick else 5
    signed = [run_fresh(_microseconds, SIGNED) for _ in range(rounds)]
    short = [run_fresh(_microseconds, "") for _ in range(rounds)]
    figure = at_most("ratio", ratios(*zip(*signed, strict=True)), 3, 2)
    details = {
        "microseconds": median(built for built, _ in signed),
        "microseconds_with_short_urls": median(built for built, _ in short),
        "ratio_with_short_urls": median(ratios(*zip(*short, strict=True))),
    }
    characters = len(url_of(10) + SIGNED)
    question = (
        f"a request of 100 images, their URLs signed ({characters} characters), body and"
        " signature ÷ the MD5 of its body alone"
    )
    return [Row("12", question, (figure,), details)]
