"""The control API: HTTP access to the script and the calls, for tests in any language.

The API is on the emulator's port, under `/_emulator/`, which is not a path of the service. Bodies
and answers are JSON. A wrong request gets 400 and `{"error": …}`; a body that does not arrive gets
408. There is no access check: every client that reaches the port may use the API.

A verb is a method of `Script`.

    GET    /_emulator/              the verbs and their arguments
    POST   /_emulator/script/VERB   call a verb, arguments by name: {"url": "*", "code": 592}
    GET    /_emulator/calls         the requests that arrived, oldest first; ?last=N for the last N
    DELETE /_emulator/calls         forget these requests
    GET    /_emulator/uploads       the last thousand requests to the object storage, oldest first
    GET    /_emulator/status        accounts, limits, engine, and number of images charged
    GET    /_emulator/rules         the service's rules, and which rules are emulated
    GET    /_emulator/health        200 while the emulator runs
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, get_type_hints

import attrs
import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from aliocr.emulator.calls import Call
from aliocr.emulator.http.body import BodyError, read_body
from aliocr.emulator.http.same_origin import OWN, json_answer
from aliocr.emulator.rules import RULES
from aliocr.emulator.script import VERBS, Script
from aliocr.emulator.storage.put_object import Upload

MOST_UPLOADS = 1000
"""Maximum number of uploads in an answer. Encoding them takes some milliseconds."""

MAX_DIGITS = 9
"""Maximum number of digits in `?last=N`. Reason: no emulator keeps a thousand million calls."""


class Verb:
    """A script method that the API may call. Arguments must fit the annotations of the method."""

    def __init__(self, method: Callable[..., None]) -> None:
        self._method = method
        hints = get_type_hints(method)
        fields: list[tuple[str, Any, Any]] = []
        for name, parameter in inspect.signature(method).parameters.items():
            # JSON has no type for bytes.
            kind = str if hints[name] == bytes | str else hints[name]
            default = parameter.default
            fields.append(
                (name, kind, msgspec.NODEFAULT if default is parameter.empty else default)
            )
        self._arguments = msgspec.defstruct(
            method.__name__, fields, kw_only=True, forbid_unknown_fields=True
        )

    def describe(self) -> dict[str, object]:
        """Return the first line of the docstring, and a JSON schema of the arguments."""
        does = (inspect.getdoc(self._method) or "").partition("\n")[0]
        return {"does": does, "arguments": msgspec.json.schema(self._arguments)}

    def __call__(self, body: bytes) -> None:
        """Call the method with the arguments in a JSON object; an empty body means no arguments."""
        try:
            arguments = msgspec.json.decode(body or b"{}", type=self._arguments)
        except msgspec.ValidationError as error:
            names = ", ".join(self._arguments.__struct_fields__) or "none"
            raise ValueError(f"{error}; arguments: {names}; see GET {OWN}") from None
        self._method(**{name: getattr(arguments, name) for name in arguments.__struct_fields__})


class Control:
    """Handles the requests of the control API."""

    def __init__(
        self,
        script: Script,
        calls: list[Call],
        uploads: Sequence[Upload],
        status: Callable[[], Mapping[str, object]],
    ) -> None:
        self._verbs = {name: Verb(getattr(script, name)) for name in VERBS}
        self._calls = calls
        self._uploads = uploads
        self._status = status

    def routes(self) -> tuple[tuple[str, str, Handler], ...]:
        """Return method, path and handler of each route."""
        return (
            ("GET", OWN, _answers_with(self._describe)),
            ("GET", f"{OWN}health", _answers_with(lambda: {"ok": True})),
            ("GET", f"{OWN}status", _answers_with(self._status)),
            (
                "GET",
                f"{OWN}rules",
                _answers_with(lambda: {"rules": list(map(attrs.asdict, RULES))}),
            ),
            ("GET", f"{OWN}uploads", _answers_with(self._last_uploads)),
            ("GET", f"{OWN}calls", self._get_calls),
            ("DELETE", f"{OWN}calls", self._forget_calls),
            ("POST", OWN + "script/{verb}", self._run),
            ("GET", OWN.rstrip("/"), _answers_with(self._describe)),
            ("*", OWN + "{path:.*}", _not_found),
        )

    def _describe(self) -> dict[str, object]:
        return {"script": {name: verb.describe() for name, verb in self._verbs.items()}}

    def _last_uploads(self) -> dict[str, object]:
        return {"uploads": [attrs.asdict(upload) for upload in self._uploads[-MOST_UPLOADS:]]}

    async def _get_calls(self, request: web.Request) -> web.Response:
        last = request.query.get("last", str(len(self._calls)))
        if not (last.isascii() and last.isdecimal() and len(last) <= MAX_DIGITS):
            problem = f"last must be a number of at most {MAX_DIGITS} digits, not {last[:20]!r}"
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
                {"error": f"unknown verb: {name!r}; the verbs are {', '.join(self._verbs)}"}, 404
            )
        try:
            verb(await read_body(request))
        except BodyError as error:
            return json_answer({"error": f"the {error}"}, error.status)
        except (ValueError, RecursionError) as error:
            return json_answer({"error": f"{name}: {error}"}, 400)
        return web.Response(status=204)


def _answers_with(read: Callable[[], Mapping[str, object]]) -> Handler:
    """Return a handler that calls `read` at each request and answers with the result."""

    async def handle(_: web.Request) -> web.Response:
        return json_answer(read())

    return handle


async def _not_found(request: web.Request) -> web.Response:
    words = f"unknown method or path: {request.method} {request.path}; see {OWN}"
    return json_answer({"error": words}, 404)


async def _listed(calls: Sequence[Call]) -> AsyncIterator[bytes]:
    """Encode the calls as JSON one by one: a thousand at once would block the loop for 0.25 s.

    The URLs have no queries, because a query may give access to the image.
    """
    separator = b'{"calls":['
    for call in calls:
        facts = {
            "time": call.time,
            "method": call.method,
            "path": call.path,
            "account": call.account,
            "operation": call.operation,
            "request_id": call.request_id,
            "status": call.status,
            "code": call.code,
            "images": call.images,
            "task_ids": call.task_ids,
            "charged": call.charged,
            "seconds": None if call.answered is None else call.answered - call.arrived,
        }
        yield separator + msgspec.json.encode(facts)
        await asyncio.sleep(0)
        separator = b","
    yield b"]}" if calls else separator + b"]}"
