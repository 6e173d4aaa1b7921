"""The public face is what it says it is."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import aliocr


def test_all_names_the_public_face_sorted() -> None:
    """`__all__` is sorted and complete; every name in it is there and documented."""
    assert list(aliocr.__all__) == sorted(aliocr.__all__)
    assert dir(aliocr) == list(aliocr.__all__)
    for name in set(aliocr.__all__) - {"Outcome", "Result", "__version__"}:
        assert inspect.getdoc(getattr(aliocr, name)), name


def test_type_checkers_see_what_there_is() -> None:
    """The stub imports each public name from the module that has it."""
    stub = Path(aliocr.__file__).with_suffix(".pyi")
    imported = {
        alias.asname: node.module
        for node in ast.parse(stub.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name == alias.asname
    }
    modules = vars(aliocr)["_MODULE_OF"]
    assert {name: f"aliocr.{module}" for name, module in modules.items()} == imported


def test_what_is_not_there_is_an_attribute_error() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="no attribute 'Sesion'"):
        aliocr.Sesion  # type: ignore[attr-defined]  # noqa: B018
    assert not hasattr(aliocr, "utils")


def test_every_public_method_is_documented() -> None:
    """No method of a public class goes without a sentence."""
    for name in aliocr.__all__:
        value = getattr(aliocr, name)
        if inspect.isclass(value):
            for method, function in vars(value).items():
                if inspect.isfunction(function) and not method.startswith("_"):
                    assert inspect.getdoc(function), f"{name}.{method}"


def test_a_session_is_ready_without_what_only_a_failure_needs() -> None:
    """A program starts sooner without tenacity, and most never need it."""
    program = "import sys, aliocr; aliocr.Session; print('tenacity' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
