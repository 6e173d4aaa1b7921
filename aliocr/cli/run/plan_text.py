"""The plan of a job, as text for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from aliocr.cli.console import counted, plain
from aliocr.cli.run.humanize import duration, rate
from aliocr.cli.run.wrapping import listing
from aliocr.job.plan import Plan
from aliocr.limits import Limits

MOST_NAMED = 5
"""Maximum number of bad rows to name; the others are counted."""

NEW_ACCOUNT = 10
"""Limit of a new account, in images per second. Source: "Common error codes", code 588."""


def plan_lines(
    plan: Plan, width: int, limits: Limits | None, budget: int | None = None
) -> Iterator[Text]:
    """Return the lines to print; `limits` is None if this machine reads, which is free."""
    entries = [("input", plain(plan.taken)), ("rows", f"{plan.rows:,}")]
    if plan.done:
        entries.append(("done", f"{plan.done:,} of the rows are already in the output"))
    entries.append(("to read", counted(plan.images, "image")))
    if plan.duplicates:
        rows = counted(plan.duplicates, "row")
        entries.append(("repeated", f"{rows} of images that other rows have"))
    if limits is not None and plan.images:
        entries += _cost(plan, limits)
        if budget is not None and budget < plan.charged_most:
            entries.append(("budget", f"the job ends before more than {budget:,} are charged"))
    if plan.bad:
        # The first bad rows are named, so that they can be fixed before anything is charged.
        entries.append(("bad", f"{counted(plan.bad, 'row')} that will fail"))
        for row in plan.bad_rows[:MOST_NAMED]:
            place = f"row {row.number:,}" if row.line is None else f"line {row.line:,}"
            place += f" of {plain(row.file)}" if row.file is not None and row.line else ""
            entries.append(("", f"{place}: {plain(row.problem)}"))
        if more := plan.bad - min(len(plan.bad_rows), MOST_NAMED):
            entries.append(("", f"and {more:,} more"))
    yield from listing(entries, width)
    yield Text("Nothing was sent or written.")


def _cost(plan: Plan, limits: Limits) -> Iterator[tuple[str, str]]:
    yield "requests", f"{plan.requests:,} of {counted(limits.images_per_request, 'image')} at most"
    allowed = f"{rate(limits.requests_per_second)} requests/s"
    if limits.images_per_second is not None:
        allowed += f" and {rate(limits.images_per_second)} images/s"
    yield "time", f"at least {duration(plan.seconds)}, with {allowed}"
    if limits.images_per_second is None and plan.images > NEW_ACCOUNT:
        slow = duration(plan.images / NEW_ACCOUNT)
        yield "", f"{slow} with the {NEW_ACCOUNT} images/s of a new account"
    if plan.charged_most > plan.images:
        least, most = f"{plan.images:,}", counted(plan.charged_most, "image")
        yield "charge", f"{least} to {most}, because each frame is charged"
    else:
        images = counted(plan.images, "image")
        yield "charge", f"{images}, if no image is sent again"
