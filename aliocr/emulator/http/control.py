"""The control API: the emulator's verbs and records for tests in any language, on its own port.

Under `/_emulator/`, which is no path of the service's. Bodies and answers are JSON; a mistake is
answered with 400 and `{"error": …}`, a body that does not come with 408. Whoever reaches the port
may use it.

    GET    /_emulator/              the verbs and their arguments
    POST   /_emulator/script/VERB   as in Python, arguments by name: {"url": "*", "code": 592}
    GET    /_emulator/calls         what arrived, oldest first; ?last=N for the last ones
    DELETE /_emulator/calls         forget them
    GET    /_emulator/status        accounts, limits, engine, and what would have been charged
    GET    /_emulator/rules         what is emulated, and what is not
    GET    /_emulator/health        200 while it serves
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, TypeAlias, get_type_hints

import attrs
import msgspec
from aiohttp import web
from aiohttp.http import HttpProcessingError
from aiohttp.typedefs import Handler

from aliocr.emulator.calls import Call
from aliocr.emulator.http.endpoint import BODY_TIMEOUT
from aliocr.emulator.http.same_origin import OWN, json_answer
from aliocr.emulator.rules import RULES

Route: TypeAlias = tuple[str, str, Handler]
"""Method, path, and what handles it."""


MAX_DIGITS = 9
"""Of a number in a query: no emulator keeps a thousand million calls."""


class Verb:
    """A method that may be called from outside, its arguments checked by its own annotations."""

    def __init__(self, method: Callable[..., None]) -> None:
        self._method = method
        hints = get_type_hints(method)
        fields: list[tuple[str, Any, Any]] = []
        for name, parameter in inspect.signature(method).parameters.items():
            # JSON knows no bytes.
            kind = str if hints[name] == bytes | str else hints[name]
            default = parameter.default
            fields.append(
                (name, kind, msgspec.NODEFAULT if default is parameter.empty else default)
            )
        self._arguments = msgspec.defstruct(
            method.__name__, fields, kw_only=True, forbid_unknown_fields=True
        )

    def described(self) -> dict[str, object]:
        """What it does, and a JSON schema of its arguments."""
        does = (inspect.getdoc(self._method) or "").partition("\n")[0]
        return {"does": does, "arguments": msgspec.json.schema(self._arguments)}

    def __call__(self, body: bytes) -> None:
        """Call it with the arguments in a JSON object; nothing stands for none.

        Raises:
            ValueError: They are not as they should be, or the verb says so.
        """
        try:
            arguments = msgspec.json.decode(body or b"{}", type=self._arguments)
        except msgspec.ValidationError as error:
            names = ", ".join(self._arguments.__struct_fields__) or "no arguments"
            raise ValueError(f"{error}; it takes {names}: see GET {OWN}") from None
        self._method(**{name: getattr(arguments, name) for name in arguments.__struct_fields__})


class Control:
    """Handles the requests of the control API.

    Args:
        verbs: What may be called, by name.
        calls: The emulator's records.
        status: Gives what there is to say of the emulator itself.
    """

    def __init__(
        self,
        verbs: Sequence[Callable[..., None]],
        calls: list[Call],
        status: Callable[[], Mapping[str, object]],
    ) -> None:
        self._verbs = {verb.__name__: Verb(verb) for verb in verbs}
        self._calls = calls
        self._status = status

    def routes(self) -> tuple[Route, ...]:
        """What is handled, and by what."""
        return (
            ("GET", OWN, self._index),
            ("GET", f"{OWN}health", self._health),
            ("GET", f"{OWN}status", self._tell_status),
            ("GET", f"{OWN}rules", self._tell_rules),
            ("GET", f"{OWN}calls", self._tell_calls),
            ("DELETE", f"{OWN}calls", self._forget_calls),
            ("POST", OWN + "script/{verb}", self._run),
            ("GET", OWN.rstrip("/"), self._index),
            ("*", OWN + "{path:.*}", self._nothing),
        )

    async def _index(self, _: web.Request) -> web.Response:
        return json_answer(
            {"script": {name: verb.described() for name, verb in self._verbs.items()}}
        )

    async def _health(self, _: web.Request) -> web.Response:
        return json_answer({"ok": True})

    async def _tell_status(self, _: web.Request) -> web.Response:
        charged = sum(call.charged for call in self._calls)
        return json_answer({**self._status(), "calls": len(self._calls), "charged": charged})

    async def _tell_rules(self, _: web.Request) -> web.Response:
        return json_answer({"rules": [attrs.asdict(rule) for rule in RULES]})

    async def _tell_calls(self, request: web.Request) -> web.Response:
        last = request.query.get("last", str(len(self._calls)))
        if not (last.isascii() and last.isdecimal() and len(last) <= MAX_DIGITS):
            problem = f"last is a number of {MAX_DIGITS} digits at most, not {last[:20]!r}"
            return json_answer({"error": problem}, 400)
        calls = tuple(self._calls[-int(last) :]) if int(last) else ()
        return web.Response(body=_listed(calls), content_type="application/json")

    async def _forget_calls(self, _: web.Request) -> web.Response:
        self._calls.clear()
        return web.Response(status=204)

    async def _run(self, request: web.Request) -> web.Response:
        name = request.match_info["verb"]
        verb = self._verbs.get(name)
        if verb is None:
            return json_answer(
                {"error": f"no such verb: {name!r}; there are {', '.join(self._verbs)}"}, 404
            )
        body = await _body_of(request)
        if isinstance(body, web.Response):
            return body
        try:
            verb(body)
        except (ValueError, RecursionError) as error:
            return json_answer({"error": f"{name}: {error}"}, 400)
        return web.Response(status=204)

    async def _nothing(self, request: web.Request) -> web.Response:
        return json_answer(
            {"error": f"{request.method} {request.path} is nothing here; see {OWN}"}, 404
        )


async def _body_of(request: web.Request) -> bytes | web.Response:
    """The whole body, or what to say to one that does not come whole."""
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            return await request.read()
    except TimeoutError:
        words = f"the request body did not arrive within {BODY_TIMEOUT:g} seconds"
        return json_answer({"error": words}, 408)
    except web.HTTPRequestEntityTooLarge:
        return json_answer({"error": "the request body is too large"}, 413)
    except (web.RequestPayloadError, HttpProcessingError):
        # The second where aiohttp has no compiled parser.
        return json_answer({"error": "the request body is malformed"}, 400)


async def _listed(calls: Sequence[Call]) -> AsyncIterator[bytes]:
    """As an object in JSON. Of a thousand calls all at once would take a quarter of a second."""
    separator = b'{"calls":['
    for call in calls:
        yield separator + msgspec.json.encode(_record(call))
        await asyncio.sleep(0)
        separator = b","
    yield b"]}" if calls else separator + b"]}"


def _record(call: Call) -> dict[str, object]:
    """What others may read of it: without the queries of URLs, which may be keys to them."""
    return {
        "time": call.time,
        "method": call.method,
        "path": call.path,
        "account": call.account,
        "request_id": call.request_id,
        "status": call.status,
        "code": call.code,
        "images": call.images,
        "charged": call.charged,
        "seconds": None if call.answered is None else call.answered - call.arrived,
    }
