"""The repository keeps the habits that people expect: CI, a pinned style, a true guide."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

import aliocr

ROOT = Path(__file__).parent.parent
PACKAGE = Path(aliocr.__file__).parent

if not (ROOT / ".github").exists():
    pytest.skip("these files are in a clone, not in the wheel", allow_module_level=True)

GUIDE = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

TOP_LEVEL = {
    *("aliocr", "tests", "benchmarks"),
    *("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE"),
}
"""All that lies at the top besides dotfiles."""

MACHINE_PATH = re.compile(r"(?<![\w.:/-])/(?:work|root|Users/\w+|home/\w+)/")
"""An absolute path of one machine; nothing that ends a URL."""


def _yaml(path: Path) -> Any:
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _tracked() -> list[Path]:
    """All files that git tracks, below the root."""
    listing = ["git", "-c", "safe.directory=*", "-C", str(ROOT), "ls-files", "-z"]
    try:
        done = subprocess.run(listing, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git, or no clone")
    return [Path(name) for name in done.stdout.split("\0") if name]


def _pinned_ruff() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (pinned,) = (
        requirement.removeprefix("ruff==")
        for requirement in project["optional-dependencies"]["dev"]
        if requirement.startswith("ruff")
    )
    return str(pinned)


def test_ci_runs_the_check_of_a_clone_on_the_oldest_and_the_newest_python() -> None:
    """What CI says is what `.ci/run` says on anybody's machine."""
    job = _yaml(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["check"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.14"]
    assert ".ci/run" in [step.get("run") for step in job["steps"]]


def test_every_minimum_of_a_dependency_is_tested() -> None:
    """`.ci/run` installs the lowest versions of every extra for users."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    tested = set(re.findall(r"--extra (\w+)", (ROOT / ".ci" / "run").read_text("utf-8")))
    tested |= {"pictures"} if "aliocr[pictures]" in extras["emulator"] else set()
    assert tested == extras.keys() - {"bench", "consumers", "dev"}
    optional = [requirement for name in tested for requirement in extras[name]]
    for requirement in (*project["dependencies"], *optional):
        assert re.match(r"[a-z-]+>=|aliocr\[pictures\]$", requirement), requirement


def test_a_release_is_checked_and_published_without_a_token() -> None:
    """Trusted publishing: one job may ask for an identity, and may do nothing else."""
    jobs = _yaml(ROOT / ".github" / "workflows" / "release.yml")["jobs"]
    assert jobs["check"]["uses"] == "./.github/workflows/ci.yml"
    assert (jobs["build"]["needs"], jobs["publish"]["needs"]) == ("check", "build")
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert "secrets." not in (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_read_and_pins_its_actions(path: Path) -> None:
    """Permissions are given job by job; an action is of one major version."""
    workflow = _yaml(path)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        for step in job.get("steps", ()):
            assert re.search(r"@(release/)?v\d+$", step.get("uses", "@v1")), step


def test_ruff_is_the_same_everywhere() -> None:
    """All its rules are on, so another version would find other things."""
    repositories = _yaml(ROOT / ".pre-commit-config.yaml")["repos"]
    (revision,) = (each["rev"] for each in repositories if "ruff" in each["repo"])
    assert revision == f"v{_pinned_ruff()}"


def test_the_top_level_is_the_agreed_one() -> None:
    """A newcomer sees seven entries."""
    top = {path.parts[0] for path in _tracked()}
    assert {name for name in top if not name.startswith(".")} == TOP_LEVEL


def test_the_guide_names_modules_that_exist() -> None:
    """The tables of "Where a change goes" are true, and leave out no folder of the package."""
    section = GUIDE.partition("\n## Where a change goes\n")[2].partition("\n## ")[0]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("|")]
    named = {name for row in rows for name in re.findall(r"`([\w/]+)`", "|".join(row[2:]))}
    assert len(named) > 40
    for name in named:
        assert (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file(), name
    folders = {path.parent.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")}
    assert folders - {"."} <= named


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    """A clone works anywhere, and tells nothing of anybody's home folder."""
    for path in _tracked():
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        assert not MACHINE_PATH.search(text), path
