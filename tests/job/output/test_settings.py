"""The options of a job, in the first run and in a later one."""

from __future__ import annotations

from typing import Any

import pytest

from aliocr.job.output.settings import disagreement, settings_text

CSV: dict[str, str | None] = {"format": "csv", "column": "url", "id": "id"}


def settings(found: dict[str, str | None] | None = None, **given: Any) -> str:
    """The settings of a run with these options, which found this in its input."""
    options = {name.replace("_", "-"): word for name, word in given.items()}
    return settings_text(options, found or {})


@pytest.mark.parametrize(
    ("begun", "now"),
    [
        (settings(CSV), settings(CSV, column="url")),
        (settings(CSV, column="url"), settings(CSV)),
        (settings(CSV), settings(CSV, column="url", id="id", format="csv")),
        (settings(CSV, output_format="jsonl"), settings(CSV)),
        (settings(CSV), settings(column="url")),  # standard input, of which no line came yet
        (settings(), settings(CSV)),
        (settings({"format": "text"}), settings({"format": "text"}, format="text")),
        ("", settings(CSV)),
        ("--column url --format csv", settings(CSV, column="url", format="csv")),
        ("--column Ã --whole-urls", "--column Ã --whole-urls"),
        (settings(CSV, column=None, interval=2), settings(CSV, interval=2)),
    ],
)
def test_a_job_goes_on_if_they_mean_the_same(begun: str, now: str) -> None:
    """However they are said, and in whichever version of aliocr."""
    assert disagreement(begun, now) is None


@pytest.mark.parametrize(
    ("begun", "now", "then", "this"),
    [
        (settings(CSV), settings(CSV | {"column": "link"}), "--column url", "--column link"),
        (settings(CSV), settings(CSV | {"id": None}), "--id id", "no options"),
        (settings(CSV), settings(CSV | {"id": "sku"}, id="sku"), "--id id", "--id sku"),
        (settings(CSV), settings(CSV, interval=2), "no options", "--interval 2"),
        (settings(CSV, whole_urls=True), settings(CSV), "--whole-urls", "no options"),
        (settings(CSV), settings({"format": "text"}), "--format csv", "--format text"),
        (settings(CSV), settings(column="link"), "--column url", "--column link"),
        ("", settings(CSV, column="url"), "no options", "--column url"),
        ("--column url", settings(CSV), "--column url", "no options"),
        ("--column url", "", "--column url", "no options"),
        (settings(CSV), settings(CSV | {"column": "\udcff"}), "--column url", "--column \\udcff"),
    ],
)
def test_options_that_disagree_are_named(begun: str, now: str, then: str, this: str) -> None:
    """Only those, in the words of the command line."""
    assert disagreement(begun, now) == (then, this)


def test_the_name_of_a_column_may_be_any_text() -> None:
    """A journal is a database of UTF-8."""
    settings(CSV | {"column": "\udcff 图片"}, column="\udcff 图片").encode()
