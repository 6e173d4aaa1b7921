"""A running emulator for the tests of a module."""

from collections.abc import Iterator

import pytest

from tests.support.program import emulating


@pytest.fixture(scope="module")
def served() -> Iterator[dict[str, str]]:
    """The variables to reach an emulator without an engine; it ends without an error."""
    with emulating("--quiet") as emulator:
        yield emulator.exports
        emulator.process.terminate()
        assert emulator.end() == (0, "")
