"""The service's rules, one by one: which the emulator keeps, and the test that shows it.

`tests/emulator/test_rules.py` holds this table to the truth: every test it names exists, and every
code the emulator can say is in it.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

__all__ = ["RULES", "Kept", "Rule", "table"]

Kept: TypeAlias = Literal["yes", "partly", "no"]


@attrs.frozen
class Rule:
    """A rule of the service.

    Args:
        layer: Where it holds.
        rule: What it says.
        source: Page or heading of the documents; "SDK" where only the vendor's SDKs show it.
        kept: Whether the emulator keeps it.
        test: The test that shows it, below `tests/emulator`; empty if there is nothing to show.
        how: What the emulator does where the documents leave it open, or instead.
    """

    layer: str
    rule: str
    source: str
    kept: Kept
    test: str = ""
    how: str = ""


RULES: tuple[Rule, ...] = ()
