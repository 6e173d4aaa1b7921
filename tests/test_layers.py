"""The house stands: every file imports from lower floors only, and no two need each other."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import aliocr

ROOT = Path(aliocr.__file__).parent

FLOORS = [
    {
        *("atomic_file", "checks", "codes", "columns", "credentials", "errors"),
        *("extras", "image_url", "limits", "redaction", "route", "stats", "version"),
    },
    {"models", "arguments"},
    {"keys"},
    {"protocol", "text"},
    {"dispatch"},
    {"session"},
    {"job", "pictures", "report", "export", "emulator"},
    {"cli", "pytest_plugin"},
]
"""A room is a file at the root or a folder; it imports from lower floors, and from itself."""

BESIDE = {
    ("columns", "errors"),
    ("columns", "redaction"),
    ("errors", "codes"),
    ("errors", "redaction"),
    ("image_url", "checks"),
    ("image_url", "redaction"),
    ("limits", "checks"),
    ("route", "redaction"),
    ("emulator", "pictures"),
    ("export", "job"),
    ("export", "pictures"),
    ("report", "job"),
    ("report", "pictures"),
}
"""Rooms of one floor of which the first may use the second."""

ASKED_FOR_LATE = {("models", "text.layout")}
"""The lines of a scan: the reading order is loaded with the first that is asked for."""

NOT_FOR = {
    "emulator": {"arguments", "dispatch", "session"},
    "export": {"arguments", "credentials", "dispatch", "protocol", "session"},
    "job": {"dispatch", "protocol"},
    "pictures": {"arguments", "credentials", "dispatch", "protocol", "session"},
    "report": {"arguments", "credentials", "dispatch", "protocol", "session"},
}
"""What is below a room and none of its business: the emulator judges the client, so it must not be
made of it; a job knows a session by its verbs."""

EMULATOR_USES_OF_THE_PROTOCOL = {
    *("async_wire", "callback_digest", "oss_signing", "signing", "upload_credentials", "wire")
}

MODULES_IN_A_FOLDER = 18
MODULES_AT_THE_ROOT = 16

ON_THE_LOOP = {
    "keys": {"kept", "vendor"},
    "protocol": {"deadline", "network_errors", "transport"},
    "dispatch": {
        *("batcher", "registry", "scan_receiver", "settling", "source", "stream", "throttle"),
        "rates.limiter",
    },
    "job": {"job", "pipeline", "input.prefetch"},
}
"""What knows an event loop in these folders; the rest is pure, and tested with plain values."""

PURE_ROOMS = FLOORS[0] | FLOORS[1] | {"text"}

NEED_PILLOW = {
    "opening",
    "upright",
    "artist",
    "fonts",
    "header",
    "panel",
    "picture",
    "portrait",
    "sheet",
    "sheet_plan",
    "tags",
}
"""Modules of `pictures` that load Pillow, or one another, at their top: all that touch pixels."""

NEED_PIKEPDF = {
    f"export.{module}"
    for module in ("glyphless", "page_image", "pdf", "pdf_file", "text_layer", "text_page")
}
"""Modules that write PDFs."""


def _modules() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in ROOT.rglob("*.py")
    }


MODULES = _modules()


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


def _uses(name: str) -> set[str]:
    """The modules of the package that a module imports: `aliocr.protocol.wire.Task` is one."""
    names = {each.removeprefix("aliocr.") for each in _imports(MODULES[name])}
    return (names & set(MODULES)) - {name}


def _room(name: str) -> str:
    return name.partition(".")[0]


def _floor(room: str) -> int:
    (floor,) = (number for number, rooms in enumerate(FLOORS) if room in rooms)
    return floor


def _in(room: str) -> list[str]:
    return [name for name in MODULES if _room(name) == room]


@pytest.mark.parametrize("name", sorted(set(MODULES) - {"__init__", "__main__"}))
def test_a_module_looks_down(name: str) -> None:
    """A new room gets a floor here; an upward or sideways import fails."""
    room = _room(name)
    for other in _uses(name):
        below = _room(other)
        allowed = _floor(below) < _floor(room) and below not in NOT_FOR.get(room, set())
        assert (
            below == room or allowed or (room, below) in BESIDE or (name, other) in ASKED_FOR_LATE
        ), f"{name} must not import {other}"


def test_no_two_modules_need_each_other() -> None:
    """Each is understood without those that use it: in no folder is there a circle."""
    uses = {
        name: {other for other in _uses(name) if (name, other) not in ASKED_FOR_LATE}
        for name in MODULES
    }
    assert list(TopologicalSorter(uses).static_order())


def test_a_folder_can_be_drawn_from_memory() -> None:
    """So many modules, and no more, lie directly in one."""
    for folder in {path.parent for path in MODULES.values()}:
        most = MODULES_AT_THE_ROOT if folder == ROOT else MODULES_IN_A_FOLDER
        modules = [path for path in folder.glob("*.py") if not path.stem.startswith("__")]
        assert len(modules) <= most, folder.name


@pytest.mark.parametrize(
    "name",
    sorted(
        name
        for name in MODULES
        if _room(name) in PURE_ROOMS
        or (_room(name) in ON_THE_LOOP and name.partition(".")[2] not in ON_THE_LOOP[_room(name)])
    ),
)
def test_what_can_be_pure_is(name: str) -> None:
    """Values, wire and rules know neither a loop nor a socket; what may block runs in a thread."""
    roots = {imported.split(".")[0] for imported in _imports(MODULES[name])}
    assert not roots & {"asyncio", "aiohttp", "socket"}


def test_the_emulator_shares_only_the_wire_with_the_client() -> None:
    """It judges the client, so it must not be made of it."""
    for name in _in("emulator"):
        shared = {other for other in _uses(name) if _room(other) == "protocol"} - {"protocol"}
        assert shared <= {f"protocol.{each}" for each in EMULATOR_USES_OF_THE_PROTOCOL}, name


def test_only_the_command_line_imports_the_emulator() -> None:
    """A client in production never loads it."""
    for name in MODULES:
        if _room(name) not in ("emulator", "cli", "pytest_plugin"):
            assert "emulator" not in {_room(other) for other in _uses(name)}, name


def test_importing_the_package_loads_no_extra() -> None:
    """The wheel runs with its core dependencies alone."""
    extras = {"click", "rich", "PIL", "numpy", "pikepdf", "rapidocr", "onnxruntime"}
    for name, path in MODULES.items():
        if _room(name) not in ("emulator", "cli", "pictures") and name not in NEED_PIKEPDF:
            assert not {imported.split(".")[0] for imported in _imports(path)} & extras


def test_pillow_is_loaded_for_pixels_alone() -> None:
    """What is counted, reported and raised is so without the extra, and without its time."""
    modules = {path.stem for path in (ROOT / "pictures").glob("*.py")} - {"__init__"}
    others = sorted(f"aliocr.pictures.{module}" for module in modules - NEED_PILLOW)
    program = f"""
import sys
for extra in ("PIL", "numpy"):
    sys.modules[extra] = None
import aliocr, {", ".join(others)}
aliocr.Drawing, aliocr.DrawnFrame, aliocr.PictureError, aliocr.draw
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert modules >= NEED_PILLOW
    for module in NEED_PILLOW:
        assert _at_top(ROOT / "pictures" / f"{module}.py") & (
            {"PIL"} | {f"aliocr.pictures.{other}" for other in NEED_PILLOW}
        ), module


def test_other_exports_are_written_without_pictures() -> None:
    """And without the extra of PDFs; only the writer of PDFs is imported late, by its path."""
    for name in set(_in("export")) - NEED_PIKEPDF:
        uses = {other for other in _at_top(MODULES[name]) if other.startswith("aliocr.")}
        assert not uses & {f"aliocr.{other}" for other in NEED_PIKEPDF}, name
        assert not uses & {f"aliocr.pictures.{module}" for module in NEED_PILLOW}, name


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
    for name, path in MODULES.items():
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
    for name, path in MODULES.items():
        if name != "pytest_plugin":
            assert "pytest" not in {imported.split(".")[0] for imported in _imports(path)}, name
            assert "aliocr.pytest_plugin" not in _imports(path), name


PACKAGES = sorted({path.parent.relative_to(ROOT) for path in MODULES.values()})


@pytest.mark.parametrize("folder", PACKAGES, ids=str)
def test_each_package_opens_with_its_way(folder: Path) -> None:
    """Its docstring leads one thing through all its modules, and names none that is not there."""
    source = (ROOT / folder / "__init__.py").read_text(encoding="utf-8")
    way = ast.get_docstring(ast.parse(source)) or ""
    assert "way of a" in way.lower()
    words = set(re.findall(r"`([a-z_0-9]+)`", way))
    here = {
        path.stem
        for path in (ROOT / folder).iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").exists())
        and not path.stem.startswith("__")
    }
    assert here <= words, f"{folder} does not say what {here - words} are for"
    rows = set(re.findall(r"^\W*`([a-z_0-9]+)`", way, re.MULTILINE))
    known = {part for name in MODULES for part in name.split(".")}
    assert rows <= known, f"{rows - known} are not there"
