"""The tasks that were submitted, by their ids, each with its answer once it has one."""

from __future__ import annotations

import random
import string

import attrs

from aliocr.emulator.asynchronous.clock import Clock
from aliocr.emulator.asynchronous.habits import Habits
from aliocr.errors import APIError
from aliocr.models import Scan
from aliocr.protocol import async_wire
from aliocr.protocol.wire import Task

MAX_KEPT = 100_000
"""Maximum number of tasks that are kept; the oldest are forgotten first. We chose this value: most
clients submit less in an hour."""

MAX_UNFINISHED = 10_000
"""Maximum number of images that wait or are being read. Others get 588, even without a quota."""


def make_task_id() -> str:
    """Return a new task id, of the form of real ones: it has characters that need care."""
    letters = "".join(random.choices(string.ascii_letters + string.digits, k=26))
    return f"img{letters[:10]}@{letters[10:15]}${letters[15:20]}@-1{letters[20:]}"


@attrs.define(eq=False)
class SubmittedTask:
    """One image that was submitted.

    Attributes:
        image: The image as it was submitted.
        uid: The number of the account that submitted it, and that alone gets the answer.
        submitted: Time of the submission by the emulator's clock, in seconds.
        id: The task id.
        answer: What became of the image; None while it is unfinished.
        forgotten: True if the emulator was reset.
    """

    image: Task
    uid: str
    submitted: float
    id: str = attrs.field(factory=make_task_id)
    answer: Scan | APIError | None = None
    forgotten: bool = False

    def encode(self, habits: Habits) -> bytes:
        """Encode the answer, for a reply or a callback."""
        return async_wire.encode_item(
            self.image, self.answer, self.id, message=habits.message, with_url=habits.with_url
        )


class Tasks:
    """All tasks of one emulator."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.habits = Habits()
        self._tasks: dict[str, SubmittedTask] = {}

    @property
    def kept(self) -> int:
        """The number of tasks, with or without an answer."""
        return len(self._tasks)

    def submit(self, image: Task, uid: str) -> SubmittedTask:
        """Keep a new task, and return it."""
        self._expire(MAX_KEPT - 1)
        task = SubmittedTask(image, uid, self.clock.now())
        self._tasks[task.id] = task
        return task

    def find(self, task_id: str, uid: str) -> SubmittedTask | None:
        """Return the task of an account; None if there is none, or it is too old."""
        self._expire(MAX_KEPT)
        task = self._tasks.get(task_id)
        return task if task is not None and task.uid == uid else None

    def clear(self) -> None:
        """Forget all tasks, and what was said about replies and pushes."""
        tasks, self._tasks = self._tasks, {}
        self.habits = Habits()
        for task in tuple(tasks.values()):
            task.forgotten = True

    def _expire(self, most: int) -> None:
        """Forget the tasks that are too old or too many; they are in the order of submission."""
        tasks, oldest = self._tasks, self.clock.now() - self.habits.kept
        while tasks:
            task = tasks[next(iter(tasks))]
            if task.submitted > oldest and len(tasks) <= most:
                break
            del tasks[task.id]
