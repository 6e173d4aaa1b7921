"""The tests of this folder need the extra `consumers`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.consumed import write_outputs

HERE = Path(__file__).parent

PROGRAMS = ("datasette", "duckdb", "pandas", "polars", "pyarrow", "sqlite_utils")

MISSING = [name for name in PROGRAMS if find_spec(name) is None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder, so that `-m consumers` chooses them.

    Without the extra all are skipped, also those whose program is there for other tests: to write
    the outputs takes some seconds.
    """
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.consumers)
            if MISSING:
                item.add_marker(pytest.mark.skip(f"not installed: {', '.join(MISSING)}"))


@pytest.fixture(scope="session")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write outputs of all formats into a folder."""
    folder = tmp_path_factory.mktemp("outputs")
    write_outputs(folder)
    return folder
