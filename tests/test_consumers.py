"""Each format that is written is read in a program that it is for, not by ourselves alone."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from aliocr.export.formats import FOLDER, FORMATS
from aliocr.job.output.ledger import OutputFormat

TESTS = Path(__file__).parent
PROJECT = TESTS.parent / "pyproject.toml"

TABLES = ("duckdb", "pandas", "polars", "pyarrow")

CONSUMERS = {
    "run .jsonl": ("consumers/test_outputs.py", (*TABLES, "sqlite_utils")),
    "run .csv": ("consumers/test_outputs.py", (*TABLES, "sqlite_utils")),
    "run .parquet": ("consumers/test_outputs.py", TABLES),
    "run --summary-json": ("cli/run/test_summary_json.py", ("json",)),
    "scan --json": ("consumers/test_outputs.py", (*TABLES, "sqlite_utils")),
    "search --json": ("consumers/test_outputs.py", ("polars",)),
    "draw --output": ("cli/test_draw.py", ("PIL",)),
    "report --output": ("report/test_in_chromium.py", ("chromium",)),
    "export a folder of hOCR files": ("text/test_hocr_in_pdf.py", ("ocrmypdf", "pypdfium2")),
    "export .csv": ("consumers/test_sheet.py", ("pandas",)),
    "export .db": ("consumers/test_database.py", ("datasette", "sqlite_utils")),
    "export .md": ("export/test_text.py", ("markdown_it",)),
    "export .pdf": ("export/test_pdf.py", ("pypdfium2", "pdftotext")),
    "export .txt": ("export/test_text.py", ("pages.txt",)),
}
"""Of each format the file of its test, and the programs or packages that read it there."""


def _written() -> Iterator[str]:
    """Yield what the command line writes for other programs."""
    yield from (f"run .{name}" for name in get_args(OutputFormat))
    yield f"export {FOLDER.name}"
    yield from (f"export {each.suffixes[0]}" for each in FORMATS)
    pytest.importorskip("click")
    pytest.importorskip("rich")
    from aliocr.cli.program import program

    for name, command in program.commands.items():
        for option in {option for parameter in command.params for option in parameter.opts}:
            if option.endswith("json") or (option == "--output" and name != "run"):
                yield f"{name} {option}"


def test_each_format_has_a_consumer() -> None:
    """A new format, or a new option that prints JSON, comes with a line in the table."""
    for written in _written():
        path, programs = CONSUMERS[written]
        text = (TESTS / path).read_text(encoding="utf-8")
        assert [program for program in programs if program not in text] == [], written


def _programs() -> set[str]:
    """Return the packages of the extra `consumers`, and those that it brings, as modules."""
    if not PROJECT.exists():
        pytest.skip("not in a clone")
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    names = (re.split("[><=]", each)[0] for each in project["optional-dependencies"]["consumers"])
    return {name.replace("-", "_") for name in names} | {"pypdfium2"}


def test_each_test_that_needs_the_extra_is_marked() -> None:
    """So that the check of a clone, which chooses the mark, runs it after it installs the extra."""
    need = re.compile(rf"importorskip\(\"({'|'.join(_programs())})[\".]")
    for path in TESTS.rglob("test_*.py"):
        text = path.read_text(encoding="utf-8")
        if need.search(text) and path.parent.name != "consumers":
            assert "pytest.mark.consumers" in text, path
