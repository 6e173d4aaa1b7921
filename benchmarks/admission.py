"""Admission control and counts of the canned server. Times are arguments, so no clock is read."""

from __future__ import annotations

import random
import zlib
from collections import Counter
from collections.abc import Sequence

import attrs

from aliocr.emulator.access.account import Account
from benchmarks.reply import OK, Task
from benchmarks.service import Counts, Quotas, Service
from benchmarks.tally import CREDENTIALS

EXCEED_QUOTA = 588
"""Code of an image that exceeds a quota of the account. Source: "Common error codes"."""


class AdmissionControl:
    """Admits requests and images by the rules of the emulator's account, and counts them.

    Args:
        service: Settings: the limits of the account, and the shares of failures.
    """

    def __init__(self, service: Service) -> None:
        self._account = Account(
            CREDENTIALS,
            service.requests_per_second,
            **attrs.asdict(service.quotas),
            window=service.window,
        )
        self._failing = round(service.failing_share * 10_000)
        self._failing_code = service.failing_code
        self._failed: set[bytes] = set()
        self._service = service
        self._dice = random.Random(service.seed)
        self._first_moment: float | None = None
        self._counts: Counter[str] = Counter()

    def allow(self, quotas: Quotas) -> None:
        """Set new image quotas, and count images against them from zero."""
        self._account.allow_images(**attrs.asdict(quotas))

    def counts(self) -> Counts:
        """Return the counts of requests and images so far."""
        return Counts(**self._counts)

    def admit(self, images: int, moment: float) -> bool:
        """Count one request. Return False if the request exceeds the request rate.

        Args:
            images: Number of images in the request.
            moment: Time of a monotonic clock, in seconds.
        """
        admitted = not self._throttled_by_chance(moment) and self._account.accept(moment)
        self._counts.update(requests=1, images=images)
        if not admitted:
            self._counts.update(refused_requests=1, refused_images=images)
        return admitted

    def judge(self, tasks: Sequence[Task], moment: float) -> list[int]:
        """Return the code of each image of an admitted request, in order of arrival.

        The images that the quotas allow are in flight until `release` is called.
        """
        chance = self._dice.random() < self._service.over_quota_share
        granted = 0 if chance else self._account.take_images(len(tasks), moment)
        codes = [self._code(task) for task in tasks[:granted]]
        refused = len(tasks) - granted
        failed = sum(code != OK for code in codes)
        self._counts.update(
            refused_images=refused, failed_images=failed, read_images=granted - failed
        )
        return codes + [EXCEED_QUOTA] * refused

    def release(self, codes: Sequence[int]) -> None:
        """Take the images of one call of `judge` out of the images in flight."""
        self._account.release_images(sum(code != EXCEED_QUOTA for code in codes))

    def _throttled_by_chance(self, moment: float) -> bool:
        if self._first_moment is None:
            self._first_moment = moment
        if moment >= self._first_moment + self._service.throttled_for:
            return False
        return self._dice.random() < self._service.throttled_share

    def _code(self, task: Task) -> int:
        if not self._failing:
            return OK
        url = bytes(task.url)
        if zlib.crc32(url) % 10_000 >= self._failing or url in self._failed:
            return OK
        self._failed.add(url)
        return self._failing_code
