"""The part of a test's script that is about asynchronous scanning."""

from __future__ import annotations

import attrs

from aliocr.checks import is_count, is_number, is_text
from aliocr.emulator.asynchronous.habits import GAP, KEPT
from aliocr.emulator.asynchronous.tasks import Tasks
from aliocr.emulator.instructions import Instructions, checked_failure


class AsyncScript:
    """Gives instructions about images that are submitted to be read later."""

    _instructions: Instructions

    def __init__(self) -> None:
        super().__init__()
        self._tasks = Tasks()

    def pass_time(self, seconds: float) -> None:
        """Let time pass at once: answers come, expire or are pushed again as after this time.

        This does not change the dates of requests; for these see `skew_clock`.
        """
        self._tasks.clock.advance(_checked("seconds", seconds))

    def delay_result(self, url: str, seconds: float, times: int | None = None) -> None:
        """Answer a submitted image with 280 until this many seconds after its submission.

        Args:
            url: The image's URL, or `"*"`.
            seconds: The time; `pass_time` counts too.
            times: Number of submissions; None for all.
        """
        self._instructions.result_delays.put(_checked("seconds", seconds), times, url)

    def fail_submit(
        self, url: str, code: int = 588, times: int | None = None, *, message: str = ""
    ) -> None:
        """Do not accept an image that is submitted; it gets this code and no task id.

        For an image that fails after it was accepted, use `fail`. The arguments are as in `fail`.
        """
        self._instructions.unsubmitted.put(checked_failure(code, message), times, url)

    def keep_results(self, seconds: float = KEPT, *, answer_unknown: bool = True) -> None:
        """Set how long answers are kept, and what an id gets that is unknown or expired.

        Args:
            seconds: Time from the submission of an image, in seconds.
            answer_unknown: If True, such an id is answered with 594; if False, it is left out.
        """
        kept = _checked("seconds", seconds)
        self._tasks.habits = attrs.evolve(self._tasks.habits, kept=kept, unknown=answer_unknown)

    def vary_results(self, *, with_url: bool = True, message: str = "OK") -> None:
        """Set what real replies do in different ways.

        Args:
            with_url: If False, answers have no field `url`.
            message: The field `msg` of good answers, such as `"调用成功。"`.
        """
        if not is_text(message):
            raise ValueError(f"message must be a string that UTF-8 can encode, not {message!r}")
        self._tasks.habits = attrs.evolve(self._tasks.habits, with_url=with_url, message=message)

    def set_callbacks(self, *, delay: float = 0.0, gap: float = GAP, pushes: int = 1) -> None:
        """Set when results are pushed to callbacks.

        A reply that is delayed with `delay` comes after the callbacks of its images.

        Args:
            delay: Time between a result and its first push, in seconds.
            gap: Time between two pushes of a result, in seconds.
            pushes: How often a result is pushed although it was confirmed, at least 1.
        """
        if not is_count(pushes, 1):
            raise ValueError(f"pushes must be 1 or more, not {pushes!r}")
        seconds, between = _checked("delay", delay), _checked("gap", gap)
        self._tasks.habits = attrs.evolve(
            self._tasks.habits, push_delay=seconds, push_gap=between, pushes=pushes
        )


def _checked(name: str, seconds: float) -> float:
    if not is_number(seconds) or seconds < 0:
        raise ValueError(f"{name} must be 0 or more, not {seconds!r}")
    return seconds
