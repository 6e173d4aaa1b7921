"""Every documented code has words of its own: what it means here, and what to do."""

import re

import pytest

from aliocr.codes.explanation import Explanation
from aliocr.codes.gateway import FINDINGS, GATEWAY_WORDS, OTHER_TEXT, OUTSIDE_WORDS, SAME_TEXT
from aliocr.codes.in_body import IN_BODY_WORDS, TOO_LARGE
from aliocr.codes.lookup import WORDS, advice_on, explanation, near, typed
from aliocr.emulator.access.refusal import REFUSALS
from aliocr.errors import GATEWAY, IN_BODY, APIError, api_error, meaning
from aliocr.redaction import Secrets

IN_REPLIES = [
    *(280, 400, 401, 403, 404, 408, 411, 480, 500, 503, 580, 581, 585, 586, 587, 588, 589),
    *(590, 591, 592, 594, 595, 596),
]
OF_THE_GATEWAY = [
    *("ContentMD5NotMatched", "Forbidden", "Forbidden", "IncompleteSignature", "InternalError"),
    *("InvalidAccessKeyId.Inactive", "InvalidAccessKeyId.NotFound", "InvalidAction.NotFound"),
    *("InvalidApi.NotFound", "InvalidParameter.Format", "InvalidProduct.NotFound"),
    *("InvalidProtocol.NeedSsl", "InvalidSecurityToken.Expired"),
    *("InvalidSecurityToken.Malformed", "InvalidSecurityToken.MismatchWithAccessKey"),
    *("InvalidSignatureMethod", "InvalidTimeStamp.Expired", "InvalidTimeStamp.Format"),
    *("MissingDate", "MissingParameter", "MissingSecurityToken", "NoPermission"),
    *("ServiceUnavailable", "SignatureDoesNotMatch", "SignatureNonceUsed", "Throttling"),
    *("Throttling.Api", "Throttling.User", "UnsupportedHTTPMethod"),
]
DOCUMENTED: list[int | str] = [*IN_REPLIES, *OF_THE_GATEWAY, *REFUSALS, *OUTSIDE_WORDS]

VERBS = {
    *("activate", "ask", "attach", "begin", "check", "compress", "convert", "copy", "correct"),
    *("enable", "get", "give", "keep", "log", "make", "scan", "send", "set", "take", "try", "use"),
    "wait",
}
"""The first words of actions: what a person can do."""

ALL = [
    *WORDS.items(),
    (480, TOO_LARGE),
    *(("SignatureDoesNotMatch", each) for each in FINDINGS.values()),
]


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]{2,}", text.lower()))


@pytest.mark.parametrize("code", dict.fromkeys(DOCUMENTED))
def test_every_documented_code_says_what_to_do_in_its_error(code: int | str) -> None:
    """Cause and action, behind the service's own words, and the request id."""
    words = explanation(code)
    assert words is not None
    text = str(api_error(code, "words of the service", request_id="R-1"))
    assert text == f"{code} words of the service: {words.advice} (request id R-1)"


@pytest.mark.parametrize(("code", "words"), ALL)
def test_words_name_an_action_and_are_not_the_code_again(
    code: int | str, words: Explanation
) -> None:
    """A verb first; and more than the name of the code and the message of the service have."""
    assert re.match(r"\w+", words.action)[0] in VERBS  # type: ignore[index]
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", f"{code} {words.name}".replace("_", " "))
    usual = REFUSALS.get(str(code), (0, ""))[1]
    said = _words(f"{name} {usual}")
    assert len(_words(words.cause) - said) >= 3
    assert len(_words(words.action) - said - _words(words.cause)) >= 2
    assert words.cause[0].islower() or words.cause.startswith("OCR")
    assert not words.advice.endswith(".")
    assert len(words.advice) <= 250


def test_no_two_codes_have_the_same_words() -> None:
    """Each says what it is about: no line stands for a group of codes."""
    causes = [words.cause for _, words in ALL]
    assert len(set(causes)) == len(causes)


def test_words_and_consequences_are_of_the_same_codes() -> None:
    """Neither has a code that the other does not know."""
    assert set(IN_BODY_WORDS) == set(IN_BODY)
    assert set(GATEWAY) <= {*GATEWAY_WORDS, *OUTSIDE_WORDS}
    unknown = meaning("Brand.New")
    assert not [code for code in WORDS if meaning(code) is unknown]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (596, "AliyunYundunGreenWebFullAccess"),
        (408, "AliyunYundunGreenWebFullAccess"),
        (411, "AliyunYundunGreenWebFullAccess"),
        (588, "10 images per second and 50 at once"),
        (588, "raise the quota for image OCR"),
        (581, "much text"),
        (581, "asynchronous"),
        (586, "much text"),
        (586, "asynchronous"),
        (592, "3 s"),
        ("InvalidTimeStamp.Format", "the clock is not the cause"),
        ("InvalidTimeStamp.Expired", "clock"),
        ("InvalidTimeStamp.New", "clock"),
        ("Throttling.User", "10 per second"),
        ("Throttling.User.Burst", "10 per second"),
        ("InvalidAccessKeyId.Inactive", "enable"),
        ("MissingSecurityToken", "ALIBABA_CLOUD_SECURITY_TOKEN"),
        ("MissingContent-MD5", "a proxy"),
        ("HTTP 407", "USER:PASSWORD"),
    ],
)
def test_the_most_specific_words_are_given(code: int | str, says: str) -> None:
    """A detail after a dot counts, if there are words for it."""
    assert says in advice_on(code)


@pytest.mark.parametrize("code", [777, "Brand.New", "", "HTTP 418"])
def test_an_unknown_code_has_no_words(code: int | str) -> None:
    """Nothing is guessed."""
    assert explanation(code) is None
    assert str(APIError(code, "words")) == f"{code} words".rstrip()


TEXT = "POST\napplication/json\n\napplication/json\nTue, 14 Mar 2017\nx-acs-a:1\n/green/image/scan"


@pytest.mark.parametrize(
    ("theirs", "says"),
    [
        (f"server string to sign is:{TEXT}", SAME_TEXT),
        (f"server string to sign is: *{TEXT}*", SAME_TEXT),
        (f"server string to sign is:{TEXT}?RegionId=cn", OTHER_TEXT),
        (f"server string to sign is:{TEXT[:-1]}", OTHER_TEXT),
        (f"server string to sign is:{TEXT.replace('x-acs-a:1', 'x-acs-a:2')}", OTHER_TEXT),
    ],
)
def test_the_text_that_the_service_signed_tells_who_is_wrong(theirs: str, says: str) -> None:
    """The same text: the secret. Another text: something on the way. Neither is shown."""
    refusal = f"Specified signature is not matched with our calculation. {theirs}"
    error = api_error("SignatureDoesNotMatch", refusal, secrets=Secrets(signed=TEXT))
    assert f"; {says}: {FINDINGS[says].advice}" in str(error)
    assert "POST" not in str(error)
    for unsaid in ("Specified signature is not matched with our calculation.", ""):
        plain = api_error("SignatureDoesNotMatch", unsaid, secrets=Secrets(signed=TEXT))
        assert "copy the secret anew; if it is right, look for the proxy" in str(plain)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("588", 588),
        ("EXCEED_QUOTA", 588),
        (" exceed_quota ", 588),
        ("No permissions", 408),
        ("throttling.user", "Throttling.User"),
        ("Throttling.User.Burst", "Throttling.User"),
        ("missingdate", "Missing"),
        ("http  407", "HTTP 407"),
        ("NoCredentials", "NoCredentials"),
        ("777", None),
        ("", None),
    ],
)
def test_a_code_is_known_however_it_is_typed(text: str, code: int | str | None) -> None:
    """Name or code, in any case."""
    assert typed(text) == code


def test_a_code_that_is_typed_wrong_has_near_ones() -> None:
    """Three at most, each once."""
    assert near("Throtling.Usr")[0] == "Throttling.User"
    assert near("SignatureNotMatch")[0] == "SignatureDoesNotMatch"
    assert near("EXCED_QUOTA") == ["588"]
    assert near("qqqq") == []
