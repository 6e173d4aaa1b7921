"""The table of the service's rules is true and complete."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import aiohttp
import pytest

import aliocr.emulator
from aliocr.emulator import Emulator
from aliocr.emulator.access.refusal import REFUSALS
from aliocr.emulator.codes import CODE_NAMES
from aliocr.emulator.rules import RULES, TABLE, ServiceRule

TESTS = Path(__file__).parents[1]
LAYERS = [
    "gateway",
    "envelope",
    "image",
    "frames",
    "result",
    "asynchronous",
    "elsewhere",
    "storage",
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.rule)
def test_every_rule_names_a_test_that_is_there(rule: ServiceRule) -> None:
    """A rule that is kept has a test; a rule that is not says what happens instead."""
    if rule.emulated != "yes":
        assert rule.how, "say what the emulator does instead"
    if rule.emulated != "no":
        assert rule.test, "name the test that shows it"
    if rule.test:
        file, _, name = rule.test.partition("::")
        (path,) = TESTS.rglob(file)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        assert name in {node.name for node in tree.body if isinstance(node, functions)}


def test_the_table_is_whole() -> None:
    """Every line belongs to a rule; no rule is there twice; each has its source."""
    assert list(dict.fromkeys(rule.layer for rule in RULES)) == LAYERS
    assert max(Counter(rule.rule for rule in RULES).values()) == 1
    assert all(rule.source and not rule.rule.endswith(")") for rule in RULES)
    told = "".join(f"{rule.rule}{rule.source}{rule.how}{rule.test}" for rule in RULES)
    for word in TABLE.split():
        assert word.strip("()") in told or word in {"yes", "partly", "no", *LAYERS}


@pytest.mark.parametrize("code", sorted({*REFUSALS, *CODE_NAMES}, key=str))
def test_every_code_the_emulator_knows_has_a_rule(code: int | str) -> None:
    """Every code that a client can get is in the table."""
    words = set(re.findall(r"\.?\w+(?:\.\w+)*", TABLE))
    _, dot, last = str(code).partition(".")
    assert str(code) in words or (dot and f".{last}" in words)


async def test_the_rules_are_in_the_docstring_and_in_the_control_api() -> None:
    """In the two places where developers look."""
    assert aliocr.emulator.__doc__ is not None
    assert TABLE in aliocr.emulator.__doc__
    async with (
        Emulator() as emulator,
        aiohttp.ClientSession() as session,
        session.get(f"{emulator.url}/_emulator/rules") as response,
    ):
        told = (await response.json())["rules"]
    assert [rule["rule"] for rule in told] == [rule.rule for rule in RULES]
    assert set(told[0]) == {"layer", "rule", "source", "emulated", "how", "test"}
