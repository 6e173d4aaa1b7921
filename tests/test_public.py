"""The public face is what it says it is."""

import inspect

import aliocr


def test_all_names_the_public_face_sorted() -> None:
    """`__all__` is sorted and complete; every name in it is there and documented."""
    public = {
        name
        for name, value in vars(aliocr).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert list(aliocr.__all__) == sorted(aliocr.__all__)
    assert public | {"__version__"} == set(aliocr.__all__)
    for name in public - {"Outcome"}:
        assert inspect.getdoc(getattr(aliocr, name)), name


def test_every_public_method_is_documented() -> None:
    """No method of a public class goes without a sentence."""
    for name in aliocr.__all__:
        value = getattr(aliocr, name)
        if inspect.isclass(value):
            for method, function in vars(value).items():
                if inspect.isfunction(function) and not method.startswith("_"):
                    assert inspect.getdoc(function), f"{name}.{method}"
