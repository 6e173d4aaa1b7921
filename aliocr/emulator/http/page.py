"""The landing page: one file, with a policy that allows only the script of the page; and a hint.

The page is static and fetches its data from the emulator's own paths; see `same_origin`.
"""

from __future__ import annotations

import re
from functools import cache
from html import escape

from aiohttp import web
from aiohttp.typedefs import Handler

from aliocr.codes.explanation import Explanation
from aliocr.codes.lookup import OF_THE_SERVICE
from aliocr.emulator.access.operations import OPERATIONS
from aliocr.emulator.http.same_origin import OWN
from aliocr.pictures.html_parts import page_part, policy_hash, shared_script, shared_style
from aliocr.version import __version__

POLICY = (
    "default-src 'none'; script-src {script}; style-src {style}; img-src data: blob: 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""The content security policy. It allows only the page's own script and styles, which it identifies
by their hashes, and fetches only from the emulator. Because of the trusted types, the browser never
parses a string of the script as HTML."""


SIGNED = ("authorization", "x-acs-")
"""Starts of the names of headers that only clients of the service send, in lower case."""

_OPERATIONS = "\n".join(f"  POST {each.path:<36}  {each.does}" for each in OPERATIONS.values())

HINT = f"""\
An emulator of the image OCR service, of aliocr {__version__}.

  GET  /                                     a page that shows the requests, in a browser
  GET  {OWN}                           the control API: its verbs and their arguments

Signed requests, answered as by the service:

{_OPERATIONS}
  PUT  {"/BUCKET/KEY":<36}  upload of a picture, with a temporary key
"""
"""The answer to a person without a browser, such as `curl` with only the address."""


def landing_page(otherwise: Handler) -> Handler:
    """Return a handler that sends the page to browsers, and the hint to other people.

    `otherwise` handles the clients of the service, which sign or ask for JSON or XML.
    """
    body, headers = _page()

    async def show(request: web.Request) -> web.StreamResponse:
        accept = request.headers.get("Accept", "").lower()
        # Only browsers name `text/html` in the header `Accept`.
        if "text/html" in accept:
            return web.Response(body=body, headers=headers)
        signed = any(name.lower().startswith(SIGNED) for name in request.headers)
        if signed or any(form in accept for form in ("json", "xml")):
            return await otherwise(request)
        return web.Response(text=HINT, headers={"Vary": "Accept"})

    return show


def _code_row(code: int | str, words: Explanation) -> str:
    """Return the row of a code in the table of codes; the page links to it by its id."""
    name = f'<span class="source">{escape(words.name)}</span>' if words.name else ""
    return (
        f'<tr id="code-{code}"><td class="rule"><code>{code}</code>{name}'
        f'</td><td class="how">{escape(words.cause)}</td><td>{escape(words.action)}</td></tr>'
    )


@cache
def _page() -> tuple[bytes, dict[str, str]]:
    """Return the page with its style and script inserted, and the headers of the page."""
    text = page_part("emulator.http", "page.html")
    text = text.replace("{{codes}}", "\n".join(_code_row(*each) for each in OF_THE_SERVICE.items()))
    text = text.replace("{{style}}", shared_style()).replace("{{script}}", shared_script())
    hashes: dict[str, str] = {}
    for kind, inline in re.findall(r"<(style|script)>(.*?)</\1>", text, re.DOTALL):
        hashes[kind] = f"{hashes.get(kind, '')} {policy_hash(inline)}".lstrip()
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": POLICY.format(**hashes),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        # Not cached, because another emulator may listen at the same address later.
        "Cache-Control": "no-store",
        "Vary": "Accept",
    }
    return text.encode(), headers
