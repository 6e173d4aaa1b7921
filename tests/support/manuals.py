"""The manuals: every README, and the blocks, headings and links in them."""

from __future__ import annotations

import ast
import re
from importlib.util import find_spec
from pathlib import Path
from textwrap import indent
from types import CodeType

import attrs

import aliocr

ROOT = Path(__file__).parent.parent.parent
PACKAGE = Path(aliocr.__file__).parent

README = ROOT / "README.md"
MANUALS = [README, *sorted(PACKAGE.rglob("README.md"))]

IS_CLONE = PACKAGE.parent == ROOT
"""The package lies beside the README, as in a clone, and is not installed from a wheel."""

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


@attrs.frozen
class Block:
    """A fenced block of a manual.

    Args:
        manual: The file.
        line: The line of its first line in the file, from 1.
        language: The word after the fence.
        text: Its lines, fences left out.
    """

    manual: Path
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        """The place of the block, for people."""
        return f"{name_of(self.manual)}:{self.line}"

    @property
    def has_tests(self) -> bool:
        """The block is a file of tests for pytest."""
        return re.search(r"^(?:async )?def test_", self.text, re.MULTILINE) is not None

    @property
    def is_script(self) -> bool:
        """The block runs its own event loop, so it cannot be pasted into one that runs."""
        return "\nasyncio.run(" in self.text

    @property
    def reads_pictures(self) -> bool:
        """The block needs the OCR engine, and pictures that a web server serves."""
        return "RapidOCREngine" in self.text and not self.is_for_pytest

    @property
    def is_for_pytest(self) -> bool:
        """The block has tests, or fixtures for a `conftest.py`."""
        return self.has_tests or "@pytest.fixture" in self.text

    @property
    def can_be_pasted(self) -> bool:
        """The block is meant for the prompt of `python -m asyncio`."""
        return not (self.is_for_pytest or self.is_script)

    @property
    def missing(self) -> list[str]:
        """The modules that the block imports and that are not installed."""
        needed = set(re.findall(r"^(?:import|from) (\w+)", self.text, re.MULTILINE))
        needed |= {"PIL"} if "aliocr.draw(" in self.text else set()
        return sorted(module for module in needed if find_spec(module) is None)

    @property
    def code(self) -> CodeType:
        """The block, compiled as `python -m asyncio` compiles it."""
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code: CodeType = compile(self.text, self.name, "exec", flags=flags)
        return code

    @property
    def printed(self) -> list[str]:
        """The comments behind calls of `print`: the printed text, or its beginning before "…"."""
        return re.findall(r"^ *print\(.*\)  # (.*?)…?$", self.text, re.MULTILINE)


def name_of(manual: Path) -> str:
    """Return the path of a manual as in a clone."""
    return str(manual.relative_to(ROOT if manual == README else PACKAGE.parent))


def blocks_of(manual: Path, language: str) -> list[Block]:
    """Return the blocks of a manual in one language, in order."""
    text = manual.read_text(encoding="utf-8")
    return [
        Block(manual, text.count("\n", 0, found.start(2)) + 1, found[1], found[2])
        for found in _FENCED.finditer(text)
        if found[1] == language
    ]


def prose_of(manual: Path) -> str:
    """Return a manual without its blocks."""
    return _FENCED.sub("", manual.read_text(encoding="utf-8"))


def anchors_of(manual: Path) -> set[str]:
    """Return the anchors of a manual's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose_of(manual), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links_of(manual: Path) -> list[str]:
    """Return the links of a manual to other files, and within it."""
    prose = prose_of(manual)
    found = re.findall(r"\]\(([^)]+)\)", prose) + re.findall(r"^\[.*\]: (.*)$", prose, re.MULTILINE)
    return [link for link in found if not link.startswith("https://")]


def typed_module(manual: Path) -> str:
    """Return a module for type checkers: a function of each block, under the imports of all.

    Files for pytest, and blocks that import modules that are not installed, are left out.
    """
    blocks = [
        block for block in blocks_of(manual, "python") if not (block.is_for_pytest or block.missing)
    ]
    imports = [
        ast.unparse(statement)
        for block in blocks
        for statement in ast.parse(block.text).body
        if isinstance(statement, ast.Import | ast.ImportFrom)
    ]
    functions = [
        f"async def line_{block.line}() -> None:\n{indent(block.text, '    ')}" for block in blocks
    ]
    return "\n".join([*dict.fromkeys(imports), *functions])
