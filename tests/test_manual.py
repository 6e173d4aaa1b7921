"""The manuals tell the truth: their examples run, their help is the program's, their links hold."""

import ast
import functools
import inspect
import os
import re
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from typing import Any

import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

import aliocr
from aliocr.emulator import Emulator
from aliocr.emulator.script import VERBS
from aliocr.job.output.codecs import encode_json
from aliocr.job.output.result import Read
from aliocr.models import Region
from tests.support import manuals
from tests.support.manuals import MANUALS, PACKAGE, README, ROOT, Block, blocks_of, name_of

pytest_plugins = ["pytester"]

SAMPLES = Path(__file__).parent / "samples"
PYTHON = [block for manual in MANUALS for block in blocks_of(manual, "python")]
TESTS = [block for block in PYTHON if block.has_tests]
PASTED = [block for block in PYTHON if block.can_be_pasted]
SNIPPETS = [block for block in PASTED if block.manual == README and block.printed]

each_block = functools.partial(pytest.mark.parametrize, "block", ids=lambda block: block.name)
each_manual = pytest.mark.parametrize("manual", MANUALS, ids=name_of)

KEYS = (
    "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "ALIBABA_CLOUD_SECURITY_TOKEN",
    "ALIOCR_ENDPOINT",
)


@pytest.fixture
def files_of_a_reader(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Put the files that the examples name into the folder where they run."""
    monkeypatch.chdir(tmp_path)
    rows = (f"https://example.com/{number}.png\n" for number in range(30))
    (tmp_path / "urls.csv").write_text("url\n" + "".join(rows), encoding="utf-8")
    (tmp_path / "receipt.png").write_bytes((SAMPLES / "small_en.png").read_bytes())
    read = Read(row=1, source="receipt.png", text="Total", regions=(Region("Total", 9, 9, 90, 20),))
    (tmp_path / "receipt.jsonl").write_bytes(encode_json(read))


@pytest.fixture
def reader_environment(monkeypatch: pytest.MonkeyPatch, emulator: Emulator) -> None:
    """Point the environment to the emulator, as a reader's points to the service."""
    key = emulator.credentials
    monkeypatch.setenv("ALIOCR_ENDPOINT", emulator.url)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", key.access_key_id)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", key.access_key_secret)
    monkeypatch.delenv("ALIBABA_CLOUD_SECURITY_TOKEN", raising=False)


async def _run(block: Block, scope: dict[str, Any]) -> None:
    """Run a block as `python -m asyncio` does, in the namespace of its manual."""
    code = eval(block.code, scope)  # noqa: S307 - it is our own manual
    if inspect.isawaitable(code):
        await code


def _python(*arguments: str, typed: str = "", **variables: str) -> tuple[str, str]:
    """Run Python in an environment without a key, and return standard output and error."""
    clean = {name: value for name, value in os.environ.items() if name not in KEYS}
    done = subprocess.run(
        [sys.executable, *arguments],
        input=typed,
        env=clean | {"PYTHONIOENCODING": "utf-8"} | variables,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return done.stdout, done.stderr


@pytest.mark.usefixtures("virtual_clock", "files_of_a_reader", "reader_environment")
@each_manual
async def test_every_example_runs(manual: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One after the other, as a reader pastes them, with the emulator in the environment."""
    scope: dict[str, Any] = {"__name__": "manual"}
    for block in blocks_of(manual, "python"):
        if block.can_be_pasted and not block.reads_pictures and not block.missing:
            capsys.readouterr()
            await _run(block, scope)
            printed = capsys.readouterr().out
            assert all(line in printed for line in block.printed), printed


@each_block(argvalues=PASTED)
def test_every_example_can_be_pasted(block: Block) -> None:
    """At a prompt an empty line ends a statement: one behind each, none within it."""
    *earlier, last = ast.parse(block.text).body  # the reader adds the one behind the last
    lines = block.text.splitlines()
    for statement in [*earlier, last]:
        if hasattr(statement, "body"):
            end = statement.end_lineno or 0
            assert "" not in lines[statement.lineno - 1 : end], lines[statement.lineno - 1]
            assert statement is last or lines[end] == "", lines[statement.lineno - 1]


def test_there_are_three_snippets() -> None:
    """One for each verb."""
    for verb, block in zip(("scan", "scan_many", "stream"), SNIPPETS, strict=True):
        assert f"ocr.{verb}(" in block.text


@pytest.mark.skipif(
    sys.version_info >= (3, 13), reason="this prompt takes blocks from a terminal only"
)
@each_block(argvalues=SNIPPETS)
def test_a_snippet_runs_at_the_prompt_without_an_account(block: Block) -> None:
    """Pasted into a fresh `python -m asyncio`, on the real clock, it prints what it says."""
    out, err = _python("-m", "asyncio", typed=f"{block.text}\n")
    assert "Error" not in err, err
    assert all(line in out for line in block.printed), out


@each_block(argvalues=[block for block in PYTHON if block.is_script])
def test_a_script_runs_as_a_file(block: Block, tmp_path: Path) -> None:
    """Saved and started, with a key in the environment."""
    path = tmp_path / "script.py"
    path.write_text(block.text, encoding="utf-8")
    with Emulator() as emulator:
        key = emulator.credentials
        values = (key.access_key_id, key.access_key_secret, "", emulator.url)
        out, err = _python(str(path), **dict(zip(KEYS, values, strict=True)))
    assert (out, err) == ("text of https://example.com/receipt.png\n", "")


@pytest.mark.usefixtures("virtual_clock", "reader_environment")
async def test_the_web_backend_answers(emulator: Emulator) -> None:
    """With a text, or a status that tells a bad image, a failing service and a timeout apart."""
    pytest.importorskip("fastapi")
    httpx = pytest.importorskip("httpx")
    (block,) = (block for block in PYTHON if "FastAPI(" in block.text)
    scope: dict[str, Any] = {"__name__": "app"}
    await _run(block, scope)
    app = scope["app"]
    emulator.text("https://example.com/receipt.png", "Total 64.50")
    emulator.fail("https://example.com/lost.png", 404)
    emulator.fail("https://example.com/broken.png", 280)  # not tried again, so it is in time
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://backend"
        ) as browser,
    ):

        async def status(url: str) -> int:
            reply = await browser.get("/text", params={"url": url})
            assert reply.status_code != 200 or reply.json() == {"text": "Total 64.50"}
            code: int = reply.status_code
            return code

        assert await status("https://example.com/receipt.png") == 200
        assert await status("https://example.com/lost.png") == 422
        assert await status("no URL") == 422
        assert await status("https://example.com/broken.png") == 502
        emulator.delay(60)
        assert await status("https://example.com/slow.png") == 504


@pytest.mark.usefixtures("virtual_clock", "reader_environment")
async def test_routes_answer_with_outcomes(emulator: Emulator) -> None:
    """With the fields that a model names, or with the row of a scan or a failure."""
    fastapi = pytest.importorskip("fastapi")
    httpx = pytest.importorskip("httpx")
    (block,) = (block for block in PYTHON if "APIRouter(" in block.text)
    scope: dict[str, Any] = {"__name__": "app"}
    await _run(block, scope)
    app = fastapi.FastAPI()
    app.include_router(scope["router"])
    url, lost = "https://example.com/receipt.png", "https://example.com/lost.png"
    emulator.text(url, "Total 64.50")
    emulator.fail(lost, 404)
    async with (
        aliocr.Session() as app.state.ocr,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://backend"
        ) as browser,
    ):
        page = {"text": "Total 64.50", "lines": ["Total 64.50"], "needs_review": True}
        assert (await browser.get("/page", params={"url": url})).json() == page
        scan = await app.state.ocr.scan(url)
        assert scope["Page"].model_validate(scan).model_dump() == page
        row = (await browser.get("/row", params={"url": url})).json()
        assert (list(row), row["text"]) == (list(aliocr.COLUMNS), "Total 64.50")
        row = (await browser.get("/row", params={"url": lost})).json()
        assert (list(row), row["code"]) == (list(aliocr.COLUMNS), 404)


@pytest.fixture
async def samples_address() -> AsyncIterator[str]:
    """Serve the samples on this machine; gives host and port."""
    site = web.Application()
    site.router.add_static("/", SAMPLES)
    async with TestServer(site) as server:
        yield f"{server.host}:{server.port}"


@pytest.mark.engine
@each_block(argvalues=[block for block in PYTHON if block.reads_pictures])
async def test_a_real_picture_is_read(
    block: Block, samples_address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the engine, from a web server on this machine."""
    pytest.importorskip("rapidocr")
    served = block.text.replace("127.0.0.1:8000", samples_address)
    await _run(attrs.evolve(block, text=served), {"__name__": "manual"})
    assert "TOTAL" in capsys.readouterr().out.upper()


@each_block(argvalues=TESTS)
def test_every_test_in_a_manual_passes(block: Block, pytester: pytest.Pytester) -> None:
    """Pasted into a file of its own, in a project without any settings, by pytest."""
    options = ["-p", "no:hypothesispytest", "-p", "no:cacheprovider"]
    missing = block.missing
    if "pytest.mark.anyio" in block.text:
        missing += ["anyio"] if find_spec("anyio") is None else []
        options += ["-p", "no:asyncio", "-p", "no:looptime_plugin"]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    pytester.makepyfile(block.text)
    pytester.runpytest_subprocess(*options).assert_outcomes(
        passed=len(re.findall(r"^(?:async )?def test_", block.text, re.MULTILINE))
    )


@pytest.fixture
def typed_modules(tmp_path: Path) -> list[str]:
    """Write a module of the examples of each manual, and one of each file of tests."""
    if not manuals.IS_CLONE:
        pytest.skip("the settings of type checkers are those of a clone")
    for number, manual in enumerate(MANUALS):
        (tmp_path / f"manual_{number}.py").write_text(manuals.typed_module(manual), "utf-8")
    for number, block in enumerate(PYTHON):
        if block.is_for_pytest and not block.missing:
            text = f"# mypy: allow-untyped-defs, allow-untyped-calls\n{block.text}"
            (tmp_path / f"tests_{number}.py").write_text(text, "utf-8")
    return [str(path) for path in tmp_path.iterdir()]


def test_every_example_is_typed(typed_modules: list[str], tmp_path: Path) -> None:
    """mypy, as strict as of the package; tests need no annotations."""
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--no-error-summary", *typed_modules]
    environment = os.environ | {"MYPYPATH": str(tmp_path)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout + done.stderr == ""


def test_pyright_understands_every_example_and_the_whole_api(typed_modules: list[str]) -> None:
    """So Pylance, which is made of it, underlines nothing that is right."""
    pytest.importorskip("pyright")
    own = ["--pythonpath", sys.executable, "--pythonversion", "3.11"]
    command = [sys.executable, "-m", "pyright", *own, *typed_modules, "tests/typing/api.py"]
    environment = os.environ | {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "0 errors, 0 warnings, 0 informations\n", done.stderr


@each_manual
def test_every_link_leads_somewhere(manual: Path) -> None:
    """To a file that is there, and to a heading that it has."""
    if not manuals.IS_CLONE:
        pytest.skip("the manuals link to one another in a clone")
    for link in manuals.links_of(manual):
        path, _, anchor = link.partition("#")
        target = (manual.parent / path).resolve() if path else manual
        assert target.exists(), link
        assert not anchor or anchor in manuals.anchors_of(target), link


def test_every_manual_is_linked_from_the_readme() -> None:
    """So that a newcomer finds it."""
    assert {name_of(manual) for manual in MANUALS[1:]} <= set(manuals.links_of(README))


@each_manual
def test_a_manual_is_short(manual: Path) -> None:
    """At most 300 lines; the README at most 16 KB."""
    assert len(manual.read_text(encoding="utf-8").splitlines()) <= 300
    assert manual != README or manual.stat().st_size <= 16 * 1024


def test_one_line_of_the_readme_runs_the_tests() -> None:
    """The check of a clone takes it from there."""
    lines = [line for line in README.read_text(encoding="utf-8").splitlines() if ".[dev]" in line]
    assert len(lines) == 1
    assert lines[0].endswith("pytest -n 2")


def test_the_help_of_each_command_is_up_to_date() -> None:
    """Word for word as the program prints it."""
    pytest.importorskip("click")
    pytest.importorskip("rich")
    from tests.support import transcripts

    assert transcripts.HELP.read_text(encoding="utf-8") == transcripts.transcripts(), (
        "run: python -m tests.support.transcripts"
    )


@each_block(argvalues=[block for manual in MANUALS for block in blocks_of(manual, "sh")])
def test_every_command_line_is_understood(block: Block) -> None:
    """No option is misspelt or gone."""
    pytest.importorskip("click")
    pytest.importorskip("rich")
    from aliocr.cli.program import program

    for line in re.findall(r"(?:^|\.venv/bin/)aliocr (.*)", block.text, re.MULTILINE):
        words = shlex.shlex(line.rstrip(" &"), posix=True, punctuation_chars="|")
        words.whitespace_split = True
        verb, *arguments = takewhile(lambda word: word != "|", words)
        program.commands[verb].make_context(verb, arguments)


@each_manual
def test_every_option_that_is_named_is_one(manual: Path) -> None:
    """Of some command."""
    pytest.importorskip("click")
    pytest.importorskip("rich")
    from aliocr.cli.program import program

    known = {
        option
        for command in program.commands.values()
        for parameter in command.params
        for option in parameter.opts
    }
    assert set(re.findall(r"`(--[a-z-]+)", manuals.prose_of(manual))) <= known


@pytest.mark.parametrize(
    ("names", "manual"),
    [
        (list(inspect.signature(aliocr.Session).parameters), "README.md"),
        ([field.name for field in attrs.fields(aliocr.Stats)], "README.md"),
        ([field.name for field in attrs.fields(aliocr.Scan)], "README.md"),
        (VERBS, "emulator/README.md"),
    ],
    ids=["options", "numbers", "scan", "verbs"],
)
def test_every_name_is_in_the_manual(names: list[str], manual: str) -> None:
    """A new option, number, field or verb comes with its line."""
    text = (PACKAGE / manual).read_text(encoding="utf-8")
    assert [
        name for name in names if f"`{name}`" not in text and f"emulator.{name}(" not in text
    ] == []


def test_every_error_is_in_the_readme() -> None:
    """With what it costs, and what to do about it."""
    text = README.read_text(encoding="utf-8")
    for name in aliocr.__all__:
        value = getattr(aliocr, name)
        if inspect.isclass(value) and issubclass(value, aliocr.OCRError):
            assert f"| `{name}`" in text
