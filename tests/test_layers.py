"""The house stands: every file imports from lower floors only."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import aliocr

ROOT = Path(aliocr.__file__).parent

FLOORS = {
    "boxes": -1,
    "kinds": -1,
    "errors": 0,
    "credentials": 0,
    "draft": 0,
    "extras": 0,
    "limits": 0,
    "version": 0,
    "tolerance": 0,
    "layout": 0,
    "models": 1,
    "backoff": 1,
    "signing": 2,
    "wire": 2,
    "retry": 2,
    "pace": 2,
    "queue": 2,
    "stats": 2,
    "arguments": 2,
    "finding": 2,
    "hocr": 2,
    "quota": 3,
    "replies": 3,
    "journeys": 3,
    "limiter": 3,
    "transport": 3,
    "account": 4,
    "exchange": 4,
    "returns": 5,
    "batching": 6,
    "feed": 7,
    "session": 8,
}
WINGS = {
    "pictures": {"extras", "layout", "models"},
    "job": {
        "arguments",
        "errors",
        "extras",
        "kinds",
        "layout",
        "limits",
        "models",
        "session",
        "stats",
    },
    "report": {"draft", "errors", "job", "layout", "models", "pictures", "version"},
}
"""Packages beside the floors, and what of the house each may use."""

JOB_FLOORS = {
    "charges": 0,
    "errors": 0,
    "facts": 0,
    "images": 0,
    "lock": 0,
    "own_csv": 0,
    "record": 0,
    "rowset": 0,
    "sources": 0,
    "formats": 1,
    "rows": 1,
    "advice": 2,
    "folder": 2,
    "intake": 2,
    "journal": 2,
    "lines": 2,
    "plan": 2,
    "record_file": 2,
    "columnar": 3,
    "columns": 3,
    "outputs": 3,
    "plain_text": 3,
    "summary": 3,
    "delimited": 4,
    "json_lines": 4,
    "ledger": 4,
    "parquet_rows": 4,
    "results": 4,
    "desk": 5,
    "inputs": 5,
    "outage": 6,
    "run": 7,
    "job": 8,
}
"""The same within that wing, which is the largest."""

JOB_ON_THE_LOOP = {"intake", "run", "job"}

EMULATOR_MAY_USE = {
    "credentials",
    "errors",
    "extras",
    "kinds",
    "layout",
    "limits",
    "models",
    "pictures",
    "signing",
    "version",
    "wire",
}
NEED_PILLOW = {"artist", "fonts", "panel", "picture", "plan", "portrait", "sheet", "tags"}
"""Rooms of `pictures` that load Pillow, or one another, at their top: all that touch pixels."""

PURE = {name for name, floor in FLOORS.items() if floor < 3} | {"quota", "journeys", "replies"}


def _modules() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in ROOT.rglob("*.py")
    }


def _imports(path: Path) -> set[str]:
    """Full names of everything a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: imports are absolute"
            module = node.module or ""
            found |= {f"{module}.{alias.name}" for alias in node.names} | {module}
    return found


def _rooms(path: Path) -> set[str]:
    """The rooms of the package that a file imports: `aliocr.wire.Task` → `wire`."""
    names = {name.split(".")[1] for name in _imports(path) if name.startswith("aliocr.")}
    return names & (set(FLOORS) | set(WINGS) | {"cli", "emulator"})


@pytest.mark.parametrize("name", [name for name in _modules() if "." not in name])
def test_a_file_has_a_floor_and_looks_down(name: str) -> None:
    """A new file gets a floor here; an upward or sideways import fails."""
    if name in ("__init__", "__main__", "pytest_plugin"):
        return
    assert name in FLOORS, f"give {name} a floor"
    for other in _rooms(ROOT / f"{name}.py") - {name}:
        assert other in FLOORS, f"{name} must not import {other}"
        assert FLOORS[other] < FLOORS[name], f"{name} (floor {FLOORS[name]}) imports {other}"


@pytest.mark.parametrize("name", sorted(PURE))
def test_the_lower_floors_are_pure(name: str) -> None:
    """Floors 0 to 2, and what is learnt, know neither a loop nor a socket."""
    roots = {imported.split(".")[0] for imported in _imports(ROOT / f"{name}.py")}
    assert not roots & {"asyncio", "aiohttp", "socket", "threading", "time"}


@pytest.mark.parametrize("wing", WINGS)
def test_a_wing_uses_what_it_may(wing: str) -> None:
    """What stands beside the floors looks down, too, and nothing on the floors looks up to it."""
    for path in (ROOT / wing).rglob("*.py"):
        assert _rooms(path) - {wing} <= WINGS[wing], path.name


def test_every_file_of_the_jobs_has_a_floor() -> None:
    """And every floor has its file."""
    files = {path.stem for path in (ROOT / "job").glob("*.py")}
    assert files == {"__init__", *JOB_FLOORS}


@pytest.mark.parametrize("name", JOB_FLOORS)
def test_a_file_of_the_jobs_looks_down(name: str) -> None:
    """None imports another that, by whatever way, imports it."""
    imported = (each.split(".") for each in _imports(ROOT / "job" / f"{name}.py"))
    others = {each[2] for each in imported if each[:2] == ["aliocr", "job"] and len(each) > 2}
    for other in others:
        assert JOB_FLOORS[other] < JOB_FLOORS[name], f"job.{name} imports job.{other}"


@pytest.mark.parametrize("name", sorted(set(JOB_FLOORS) - JOB_ON_THE_LOOP))
def test_most_of_a_job_knows_no_loop(name: str) -> None:
    """What may block is called in a thread; what counts and compares is tested without either."""
    roots = {imported.split(".")[0] for imported in _imports(ROOT / "job" / f"{name}.py")}
    assert not roots & {"asyncio", "aiohttp", "socket"}


def test_the_emulator_shares_only_the_wire_with_the_client() -> None:
    """It judges the client, so it must not be made of it."""
    for path in (ROOT / "emulator").rglob("*.py"):
        assert _rooms(path) - {"emulator"} <= EMULATOR_MAY_USE, path.name


def test_only_the_command_line_imports_the_emulator() -> None:
    """A client in production never loads it."""
    for name, path in _modules().items():
        if name.split(".")[0] not in ("emulator", "cli", "pytest_plugin"):
            assert "emulator" not in _rooms(path), name


def test_importing_the_package_loads_no_extra() -> None:
    """The wheel runs with its core dependencies alone."""
    extras = {"click", "rich", "PIL", "numpy", "rapidocr", "onnxruntime"}
    for name, path in _modules().items():
        if name.split(".")[0] not in ("emulator", "cli", "pictures"):
            assert not {imported.split(".")[0] for imported in _imports(path)} & extras


def test_pillow_is_loaded_for_pixels_alone() -> None:
    """What is counted, reported and raised is so without the extra, and without its time."""
    rooms = {path.stem for path in (ROOT / "pictures").glob("*.py")} - {"__init__"}
    others = sorted(f"aliocr.pictures.{room}" for room in rooms - NEED_PILLOW)
    program = f"""
import sys
for extra in ("PIL", "numpy"):
    sys.modules[extra] = None
import aliocr, {", ".join(others)}
aliocr.Drawing, aliocr.DrawnFrame, aliocr.PictureError, aliocr.draw
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert rooms >= NEED_PILLOW
    for room in NEED_PILLOW:
        assert _at_top(ROOT / "pictures" / f"{room}.py") & (
            {"PIL"} | {f"aliocr.pictures.{other}" for other in NEED_PILLOW}
        ), room


def test_rooms_of_pictures_do_not_need_each_other_both() -> None:
    """Each is understood without those that use it."""
    uses = {
        path.stem: {
            name.split(".")[2] for name in _imports(path) if name.startswith("aliocr.pictures.")
        }
        for path in (ROOT / "pictures").glob("*.py")
    }
    done: set[str] = set()
    while ready := {room for room, needs in uses.items() if room not in done and needs <= done}:
        done |= ready
    assert done == set(uses), f"in a circle: {set(uses) - done}"


def _at_top(path: Path) -> set[str]:
    """Modules that are loaded with a file; not those that are for type checkers."""
    blocks = [ast.parse(path.read_text(encoding="utf-8")).body]
    found: set[str] = set()
    for block in blocks:
        for node in block:
            if isinstance(node, ast.With):
                blocks.append(node.body)
            elif isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module, node.module.split(".")[0]}
    return found


def test_parquet_is_loaded_once_it_is_asked_for() -> None:
    """A job from a CSV runs without its extra, and without the time it takes to load."""
    for name, path in _modules().items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        late = {
            inner
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef)
            for inner in ast.walk(node)
        }
        for node in set(ast.walk(tree)) - late:
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert "pyarrow" not in ast.unparse(node), name


def test_the_pytest_plugin_is_loaded_by_pytest_alone() -> None:
    """Pytest loads it for everybody: what it uses is imported once a test asks, and never it."""
    top = ast.parse((ROOT / "pytest_plugin.py").read_text(encoding="utf-8")).body
    imported = {node.module for node in top if isinstance(node, ast.ImportFrom)}
    assert not any((name or "").startswith("aliocr") for name in imported)
    for name, path in _modules().items():
        if name != "pytest_plugin":
            assert "pytest" not in {imported.split(".")[0] for imported in _imports(path)}, name
            assert "aliocr.pytest_plugin" not in _imports(path), name
