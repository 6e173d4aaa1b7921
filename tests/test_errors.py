"""The tree of errors keeps its promises, for every class and every code."""

import copy
import inspect
import pickle

import pytest

import aliocr
from aliocr import errors
from aliocr.errors import (
    GATEWAY,
    IN_BODY,
    OCRError,
    api_error,
    undocumented_error,
)

EXPORTED = [getattr(aliocr, name) for name in aliocr.__all__]
EXCEPTIONS = [item for item in EXPORTED if inspect.isclass(item) and issubclass(item, Exception)]
CLASSES = [kind for kind in EXCEPTIONS if issubclass(kind, OCRError)]
OF_FILES = {aliocr.InputError, aliocr.JobError, aliocr.PictureError}
"""They speak of files here, and not of the service."""


def _made(kind: type[OCRError]) -> OCRError:
    words = (592, "no") if issubclass(kind, errors.APIError) else ("no",)
    return kind(*words, transient=True, maybe_charged=True, request_id="R-1")


def test_what_a_service_can_do_wrong_is_in_one_tree() -> None:
    """What else is raised has to do with files: lists, results and pictures."""
    assert set(EXCEPTIONS) - set(CLASSES) == OF_FILES


@pytest.mark.parametrize("kind", CLASSES)
def test_one_except_covers_every_error(kind: type[OCRError]) -> None:
    """Each has the three attributes, and says its id."""
    error = _made(kind)
    assert isinstance(error, OCRError)
    assert (error.transient, error.maybe_charged, error.request_id) == (True, True, "R-1")
    assert "R-1" in str(error)


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_survives_copy_and_pickle(kind: type[OCRError]) -> None:
    """A process pool hands on what a session raised, attributes and all."""
    error = _made(kind)
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301
        assert type(twin) is kind
        assert vars(twin) == vars(error)
        assert str(twin) == str(error)


def test_a_timeout_is_also_the_builtin_one() -> None:
    """`except TimeoutError` catches it."""
    assert issubclass(aliocr.ScanTimeoutError, TimeoutError)


@pytest.mark.parametrize("code", [*IN_BODY, *GATEWAY])
def test_every_code_has_its_class_and_says_what_to_do(code: int | str) -> None:
    """Code, the service's words, and advice are in the message."""
    error = api_error(code, "the service's words", request_id="R-1")
    assert error.code == code
    text = str(error)
    assert text.startswith(f"{code} the service's words: ")
    assert text.endswith("(request id R-1)")


@pytest.mark.parametrize(
    ("code", "kind", "transient", "maybe_charged"),
    [
        (596, aliocr.AuthError, False, False),
        (588, aliocr.ThrottledError, True, False),
        (592, aliocr.DownloadError, True, False),
        (590, aliocr.ImageError, False, False),
        (581, aliocr.APIError, True, True),
        ("Throttling.User", aliocr.ThrottledError, True, False),
        ("InvalidAccessKeyId.NotFound", aliocr.AuthError, False, False),
        ("InvalidAccessKeyId.Inactive", aliocr.AuthError, False, False),
        ("SignatureDoesNotMatch", aliocr.AuthError, False, False),
        ("InvalidTimeStamp.Expired", aliocr.AuthError, True, False),
        ("InvalidTimeStamp.Format", aliocr.AuthError, False, False),
        ("InvalidSecurityToken.Malformed", aliocr.AuthError, False, False),
        ("Forbidden.RAM", aliocr.AuthError, False, False),
        ("MissingContent-MD5", aliocr.AuthError, False, False),
        ("SignatureNonceUsed", aliocr.APIError, True, True),
    ],
)
def test_a_code_becomes_its_class(
    code: int | str, kind: type[OCRError], transient: bool, maybe_charged: bool
) -> None:
    """Gateway codes are known also in refinements nobody has listed."""
    error = api_error(code, "")
    assert type(error) is kind
    assert (error.transient, error.maybe_charged) == (transient, maybe_charged)


def test_an_unknown_code_is_kept() -> None:
    """Neither a KeyError nor a guess: an APIError with the code, not repeated, counted."""
    error = api_error(777, "new")
    assert type(error) is aliocr.APIError
    assert (error.code, error.message) == (777, "new")
    assert not error.transient
    assert error.maybe_charged
    assert api_error("Brand.New", "", status=500).transient
    assert not api_error("Brand.New", "", status=400).transient
    assert isinstance(api_error("Brand.New", "", status=429), aliocr.ThrottledError)


def test_an_image_over_a_size_limit_is_not_downloaded_again() -> None:
    """480 covers passing failures and lasting ones; the message tells."""
    assert api_error(480, "download failed").transient
    assert "check that the URL opens" in str(api_error(480, "download failed"))
    large = api_error(480, "GIF_TOO_MUCH_PIXELS")
    assert not large.transient
    assert str(large).endswith(
        "GIF_TOO_MUCH_PIXELS: the image is above a size limit; send a smaller picture"
    )


def test_the_query_of_a_url_is_in_no_error() -> None:
    """Whatever the service or the network puts into its words."""
    error = api_error(403, "no access: https://a.example/b.png?Signature=geheim now")
    assert "geheim" not in f"{error} {error!r} {error.args} {error.message}"
    assert "https://a.example/b.png?… now" in str(error)


@pytest.mark.parametrize("status", sorted({*range(300, 600)} - {511}))  # 511 wants a login
def test_the_status_of_a_front_says_if_the_request_was_passed_on(status: int) -> None:
    """One that was not is free to repeat; one that may have run is not; others stay refused."""
    not_passed_on = status in (408, 421, 425, 429)
    may_have_run = status >= 500
    for error in (undocumented_error(status, b"<html>"), api_error("New", "?", status=status)):
        assert error.transient == (not_passed_on or may_have_run), error
        assert error.maybe_charged == may_have_run, error
