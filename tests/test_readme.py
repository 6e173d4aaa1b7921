"""The README tells the truth: its examples run, its help is the program's."""

import ast
import functools
import inspect
import re
from importlib.util import find_spec
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

import aliocr
from aliocr.emulator import Emulator
from aliocr.job.output.codecs import encode_json
from aliocr.job.output.result import Read
from aliocr.models import Region

pytest_plugins = ["pytester"]

SAMPLES = Path(__file__).parent / "samples"
README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
TESTS = [block for block in BLOCKS if re.search(r"^(?:async )?def test_", block, re.MULTILINE)]
TRANSCRIPTS = re.findall(r"^```console\n\$ (.*?)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def _compiled(source: str) -> CodeType:
    code: CodeType = compile(source, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    return code


@pytest.fixture
def files_of_a_reader(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the examples take for granted, in the folder where they run."""
    monkeypatch.chdir(tmp_path)
    rows = (f"https://example.com/{number}.png\n" for number in range(30))
    (tmp_path / "urls.csv").write_text("url\n" + "".join(rows), encoding="utf-8")
    (tmp_path / "receipt.png").write_bytes((SAMPLES / "small_en.png").read_bytes())
    read = Read(row=1, source="receipt.png", text="Total", regions=(Region("Total", 9, 9, 90, 20),))
    (tmp_path / "receipt.jsonl").write_bytes(encode_json(read))


@pytest.mark.parametrize("block", [block for block in BLOCKS if block not in TESTS])
def test_every_example_can_be_pasted(block: str) -> None:
    """At a prompt a block ends with an empty line."""
    *earlier, _ = ast.parse(block).body  # that of the last one the reader adds
    lines = block.splitlines()
    for statement in earlier:
        if hasattr(statement, "body"):
            assert lines[statement.end_lineno or 0] == "", lines[statement.lineno - 1]


@pytest.mark.usefixtures("virtual_clock", "files_of_a_reader")
async def test_every_example_runs(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other, as a reader types them, against the emulator instead of the service."""
    monkeypatch.setattr(
        aliocr,
        "Session",
        functools.partial(aliocr.Session, endpoint=emulator.url, credentials=emulator.credentials),
    )
    scope: dict[str, Any] = {"__name__": "readme", "print": lambda *_: None}
    for block in BLOCKS:
        if block in TESTS or ("aliocr.draw(" in block and find_spec("PIL") is None):
            continue
        code = eval(_compiled(block), scope)  # noqa: S307 - it is our own manual
        if inspect.isawaitable(code):
            await code
    assert sum(len(call.tasks) for call in emulator.calls) == 1 + 250 + 1000 + 1 + 30 + 10


@pytest.mark.parametrize("block", TESTS, ids=lambda block: block.partition("def test_")[2][:20])
def test_every_test_in_it_passes(block: str, pytester: pytest.Pytester) -> None:
    """Pasted into a file of its own, in a project without any settings, by pytest."""
    needed = set(re.findall(r"^(?:import|from) (\w+)", block, re.MULTILINE))
    options = ["-p", "no:hypothesispytest", "-p", "no:cacheprovider"]
    if "pytest.mark.anyio" in block:
        needed.add("anyio")
        options += ["-p", "no:asyncio", "-p", "no:looptime_plugin"]
    elif "async def test_" in block and "pytest.mark.asyncio" not in block:
        options += ["-o", "asyncio_mode=auto"]
    missing = sorted(module for module in needed if find_spec(module) is None)
    if missing:
        pytest.skip(f"this test is for who has {' and '.join(missing)} installed")
    pytester.makepyfile(block)
    pytester.runpytest_subprocess(*options).assert_outcomes(
        passed=len(re.findall(r"^(?:async )?def test_", block, re.MULTILINE))
    )


@pytest.mark.parametrize(("command", "shown"), TRANSCRIPTS, ids=lambda text: text[:20])
def test_the_help_in_the_readme_is_the_programs(command: str, shown: str) -> None:
    """What the program prints today, word for word."""
    pytest.importorskip("click")
    pytest.importorskip("rich")
    from click.testing import CliRunner

    from aliocr.cli.program import program

    result = CliRunner().invoke(program, command.split()[1:], prog_name="aliocr", terminal_width=90)
    assert result.output == shown


def test_every_option_of_the_session_is_in_the_readme() -> None:
    """A new option comes with its line in the table."""
    for name in inspect.signature(aliocr.Session).parameters:
        assert f"| `{name}` |" in README


def test_every_error_is_in_the_readme() -> None:
    """With what to do about it."""
    for name in aliocr.__all__:
        value = getattr(aliocr, name)
        if inspect.isclass(value) and issubclass(value, aliocr.OCRError):
            assert f"`{name}`" in README or f"aliocr.{name}" in README
