"""From a batch to its outcomes, over a real socket: what was paid for is not asked for again."""

import gzip
import json
import pickle
from collections.abc import Callable, Sequence

import aiohttp
import pytest

from aliocr import AuthError, Failure, Image, OCRError, Outcome, ResponseError, TransportError
from aliocr.protocol import signing
from tests.support.canned import KEY, Answer, Asked, Canned, element, http, images, reply

URLS = [image.url for image in images(100)]


def _good(asked: Asked) -> bytes:
    return reply(*asked.elements())


async def _outcomes(
    answer: Answer, count: int = 100, **options: object
) -> tuple[Sequence[Outcome], Canned]:
    async with Canned(answer) as service, service.session(**options) as ocr:
        return await ocr.scan_many(images(count)), service


def _assert_read(outcomes: Sequence[Outcome]) -> None:
    assert [each.text if each.ok else each.error for each in outcomes] == URLS[: len(outcomes)]


ODD: dict[str, Callable[[bytes], bytes]] = {
    "a raw control character": lambda body: body.replace(b"https", b"\x01https", 1),
    "a raw newline": lambda body: body.replace(b'"OK"', b'"O\nK"', 1),
    "a bad escape": lambda body: body.replace(b'"OK"', b'"O\\xK"', 1),
    "a lone escape": lambda body: body.replace(b'"OK"', b'"O\\u12K"', 1),
    "a trailing NUL": lambda body: body + b"\0",
    "words at the end": lambda body: body + b"<!-- proxy -->",
    "a byte order mark": lambda body: b"\xef\xbb\xbf" + body,
    "not UTF-8": lambda body: body.replace(b'"OK"', b'"\xff"', 1),
    "data as an object": lambda body: body.replace(b"[", b'{"0":', 1),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
async def test_a_hundred_images_are_sent_once_whatever_byte_is_odd(
    odd: Callable[[bytes], bytes],
) -> None:
    """The reply was paid for, and can be read."""
    outcomes, service = await _outcomes(lambda asked: http(odd(_good(asked))))
    assert all(each.ok for each in outcomes)
    assert service.images == 100


@pytest.mark.parametrize("status", [200, 201, 202, 203, 205, 206])
async def test_a_good_reply_with_another_status_is_read(status: int) -> None:
    """A status of success is no failure; 204 alone has no body by the rules of HTTP."""
    outcomes, service = await _outcomes(lambda asked: http(_good(asked), status))
    _assert_read(outcomes)
    assert service.images == 100


async def test_a_reply_that_breaks_off_keeps_what_has_come() -> None:
    """Only the images after the cut are sent again."""

    def cut(asked: Asked) -> bytes:
        body = _good(asked)
        if asked.number:
            return http(body)
        at = body.index(asked.tasks[60].url.encode())
        return http(body[:at], missing=len(body) - at)

    outcomes, service = await _outcomes(cut)
    _assert_read(outcomes)
    assert len(service.asked[0].tasks) == 100
    assert {task.url for asked in service.asked[1:] for task in asked.tasks} == set(URLS[60:])


async def test_a_cut_before_the_first_image_is_a_broken_connection() -> None:
    """As it always was."""
    outcomes, _ = await _outcomes(lambda _: http(b'{"code"', missing=9), 1, max_retries=0)
    (failed,) = outcomes
    assert isinstance(failed, Failure)
    assert type(failed.error) is TransportError
    assert failed.error.maybe_charged


async def test_a_connection_that_is_one_reply_behind_is_not_believed_and_not_used_again() -> None:
    """The text of A once came back for B, in silence."""
    bodies: dict[int, bytes] = {}

    def late(asked: Asked) -> bytes:
        before = bodies.get(asked.connection)
        bodies[asked.connection] = _good(asked)
        return http(before or bodies[asked.connection])

    async with Canned(late) as service, service.session() as ocr:
        for image in images(3):
            assert (await ocr.scan(image)).text == image.url
    assert [asked.connection for asked in service.asked] == [0, 0, 1, 1, 2]


async def test_a_stale_reply_without_another_try_is_an_error_that_says_so() -> None:
    """Transient, and maybe charged."""
    stale = reply(element("image-0", URLS[0], "of somebody else"))
    outcomes, _ = await _outcomes(lambda _: http(stale), 1, max_retries=0)
    (failed,) = outcomes
    assert isinstance(failed, Failure)
    assert isinstance(failed.error, ResponseError)
    assert (failed.error.transient, failed.error.maybe_charged) == (True, True)


async def test_data_ids_go_out_with_a_tag_and_come_back_without() -> None:
    """The vendor's console shows ids that begin with the caller's."""
    async with Canned(lambda asked: http(_good(asked))) as service, service.session() as ocr:
        mine = Image(URLS[0], "mine")
        first, second = await ocr.scan(mine), await ocr.scan(Image(URLS[1], "mine"))
    assert (first.image, second.image.data_id) == (mine, "mine")
    names = [asked.tasks[0].data_id or "" for asked in service.asked]
    assert all(name.startswith("mine-") for name in names)
    assert len(set(names)) == 2


# --- compression ----------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [False, True], ids=["own session", "a session of the caller's"])
async def test_a_packed_reply_is_read_though_nobody_asked_for_one(given: bool) -> None:
    """A caller's session unpacks by itself, too, and would do so without a limit."""

    def packed(asked: Asked) -> bytes:
        assert asked.headers["accept-encoding"] == "identity"
        return http(gzip.compress(_good(asked)), 200, "Content-Encoding: gzip")

    async with aiohttp.ClientSession() as http_session:
        outcomes, service = await _outcomes(packed, http=http_session if given else None)
    _assert_read(outcomes)
    assert service.images == 100


@pytest.mark.parametrize("given", [False, True], ids=["own session", "a session of the caller's"])
async def test_a_bomb_is_not_unpacked(given: bool) -> None:
    """Megabytes that travel as kilobytes are unpacked up to the limit, and no further."""
    bomb = gzip.compress(bytes(40_000_000), 1)
    async with aiohttp.ClientSession() as http_session:
        (failed,), _ = await _outcomes(
            lambda _: http(bomb, 200, "Content-Encoding: gzip"),
            1,
            http=http_session if given else None,
            max_retries=0,
        )
    assert isinstance(failed, Failure)
    assert "larger than 16 MiB" in str(failed.error)


async def test_an_encoding_that_cannot_be_unpacked_is_named_and_paid_for_once() -> None:
    """Another try would end the same way."""
    outcomes, service = await _outcomes(
        lambda asked: http(_good(asked), 200, "Content-Encoding: br")
    )
    for failed in outcomes:
        assert isinstance(failed, Failure)
        assert "'br'" in str(failed.error)
    assert service.images == 100


# --- what an error shows --------------------------------------------------------------------------


def _shown(error: OCRError) -> str:
    return f"{error} {error!r} {vars(error)} {pickle.dumps(error)!r}"


COOKIE = b"HTTP/1.1 200 OK\r\nSet-Cookie: cookie-of-the-proxy; %s"
BROKEN_HEADS = {
    "a header without a name": b"HTTP/1.1 200 OK\r\n: cookie-of-the-proxy; %s\r\n\r\n",
    "a space in a name": b"HTTP/1.1 200 OK\r\nSet Cookie : cookie-of-the-proxy; %s\r\n\r\n",
    "a NUL in a value": COOKIE + b"\0\r\n\r\n",
    "a line that is too long": COOKIE + b"x" * 99_999,
    "an odd status": b"HTTP/1.1 2x0 cookie-of-the-proxy %s\r\n\r\n",
    "an odd length": COOKIE + b"\r\nContent-Length: x\r\n\r\n",
    "the end in the headers": COOKIE + b"\r\n",
    "the end in the body": COOKIE + b"\r\nContent-Length: 9\r\n\r\n{",
    "an odd chunk": COOKIE + b"\r\nTransfer-Encoding: chunked\r\n\r\ncookie %s\r\n",
}


@pytest.mark.parametrize("head", BROKEN_HEADS.values(), ids=BROKEN_HEADS.keys())
async def test_a_broken_head_is_not_quoted(head: bytes) -> None:
    """A header may be a cookie, or the token that the request carried."""

    def answer(asked: Asked) -> bytes:
        return head.replace(b"%s", asked.headers["x-acs-security-token"].encode())

    outcomes, _ = await _outcomes(answer, 1, max_retries=0, timeout=0.2)
    (failed,) = outcomes
    assert isinstance(failed, Failure)
    assert isinstance(failed.error, TransportError | ResponseError)
    assert failed.error.maybe_charged
    shown = _shown(failed.error)
    assert "cookie" not in shown
    assert "token" not in shown


@pytest.mark.parametrize(
    ("status", "code"), [(400, "IncompleteSignature"), (400, "InvalidTimeStamp.Format"), (200, 400)]
)
async def test_a_refusal_that_quotes_the_request_shows_no_secret(
    status: int, code: int | str
) -> None:
    """Headers, body and string to sign, as a debugging gateway would send them back."""

    def quoting(asked: Asked) -> bytes:
        said = f"{asked.headers} {[task.url for task in asked.tasks]} {KEY.access_key_secret}"
        fields = {"code": code, "msg": said} if status == 200 else {"Code": code, "Message": said}
        return http(reply(**{"data": None, **fields}), status)

    async with Canned(quoting) as service, service.session(max_retries=0) as ocr:
        try:
            (failed,) = await ocr.scan_many(images(1))
            error = failed.error if isinstance(failed, Failure) else None
        except AuthError as raised:
            error = raised
    assert error is not None
    shown = _shown(error)
    for secret in (KEY.access_key_secret, str(KEY.security_token), "key-of-0"):
        assert secret not in shown


FRONTS = [302, 400, 403, 404, 405, 410, 413, 414, 431, 451]


@pytest.mark.usefixtures("virtual_clock")
@pytest.mark.parametrize("retries", [0, 3])
@pytest.mark.parametrize("status", FRONTS)
async def test_a_front_that_refuses_one_url_costs_its_neighbours_nothing(
    status: int, retries: int
) -> None:
    """A firewall refuses the whole request, uncharged, with a page that names no image."""
    outcomes, _ = await _outcomes(
        lambda asked: http(b"<html>", status) if _has_37(asked) else http(_good(asked)),
        max_retries=retries,
    )
    assert [place for place, each in enumerate(outcomes) if not each.ok] == [37]


@pytest.mark.usefixtures("virtual_clock")
async def test_a_front_that_refuses_everything_is_soon_believed() -> None:
    """The wrong address: it is not asked once more for each of the images."""
    outcomes, service = await _outcomes(lambda _: http(b"<html>", 404), 1000)
    assert not any(each.ok for each in outcomes)
    assert len(service.asked) <= 30


@pytest.mark.usefixtures("virtual_clock")
@pytest.mark.parametrize("empty", [reply(), reply(data=None), reply(data={})])
async def test_a_reply_without_elements_costs_the_neighbours_nothing(empty: bytes) -> None:
    """The image at fault is found as after any other request that fails."""
    outcomes, _ = await _outcomes(lambda asked: http(empty if _has_37(asked) else _good(asked)))
    assert [place for place, each in enumerate(outcomes) if not each.ok] == [37]


def _has_37(asked: Asked) -> bool:
    return any(task.url == URLS[37] for task in asked.tasks)


@pytest.mark.parametrize("status", [200, 400, 403, 407, 429, 502])
async def test_a_page_that_echoes_the_request_is_quoted_without_it(status: int) -> None:
    """Neither token nor signature comes back in a message, wherever the quotation begins."""
    for first in ("authorization", "x-acs-security-token"):

        def echo(asked: Asked, first: str = first) -> bytes:
            return http(f"<pre>{asked.headers[first]} {asked.headers}".encode(), status)

        async with (
            Canned(echo) as service,
            service.session(max_retries=0, throttle_timeout=0.01) as ocr,
        ):
            with pytest.raises(OCRError) as caught:
                await ocr.scan(URLS[0])
        shown = f"{caught.value} {caught.value!r} {pickle.dumps(caught.value)!r}"
        sent = service.asked[-1].headers
        assert KEY.security_token is not None
        assert KEY.security_token not in shown
        assert sent["authorization"].rpartition(":")[2] not in shown


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("", "the service signed the same text: only the AccessKey secret is wrong"),
        ("?a=b", "the service signed another text: something on the way (a proxy) changed"),
    ],
)
async def test_the_text_that_the_service_signed_is_compared(change: str, says: str) -> None:
    """With the one that was sent, token and all; so the message names the one thing to mend."""

    def refuse(asked: Asked) -> bytes:
        names = ("accept", "content-type", "content-md5", "date")
        headers = {
            name: value
            for name, value in asked.headers.items()
            if name in names or name.startswith("x-acs-")
        }
        text = signing.string_to_sign("POST", signing.SCAN_PATH + change, (), headers)
        words = f"Specified signature is not matched. server string to sign is:{text}"
        return http(json.dumps({"Code": "SignatureDoesNotMatch", "Message": words}).encode(), 400)

    async with Canned(refuse) as service, service.session() as ocr:
        with pytest.raises(AuthError) as caught:
            await ocr.scan(URLS[0])
    assert says in str(caught.value)
    assert "x-acs" not in str(caught.value)
