"""The two ways to sign a request, behind one protocol: the gateway asks, and they know where.

Both verify over what has arrived: whatever headers and parameters a client adds, if it signs them.
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import Protocol

import attrs

from aliocr.emulator.access import acs3
from aliocr.emulator.access.refusal import REFUSALS, Refused
from aliocr.emulator.access.request import Request
from aliocr.protocol import signing


@attrs.frozen
class Claim:
    """What an `Authorization` header says. The signature is in no repr.

    Args:
        access_key_id: Whose request it claims to be.
        signature: As it came.
        signed: Names of the headers that were signed, where the client says so.
    """

    access_key_id: str
    signature: str = attrs.field(repr=False)
    signed: tuple[str, ...] = ()


class Scheme(Protocol):
    """One way to sign."""

    @property
    def required(self) -> tuple[str, ...]:
        """The headers it cannot do without, besides those that all requests need."""
        ...

    def check_parameters(self, request: Request) -> None:
        """Refuse a kind of this signature that is not offered.

        Raises:
            Refused: With the reason.
        """
        ...

    def sent_at(self, request: Request) -> float:
        """When the request says it was sent, in seconds since the epoch.

        Raises:
            ValueError: It says it in another form than the documented.
        """
        ...

    def claim(self, request: Request) -> Claim:
        """What the request claims.

        Raises:
            Refused: It claims nothing, or leaves unsigned what must be signed.
        """
        ...

    def signature(self, secret: str, request: Request, claim: Claim) -> str:
        """The signature that the secret gives."""
        ...

    def explain(self, request: Request, claim: Claim) -> str:
        """The words for a signature that is wrong, with all that the server took it of."""
        ...

    def check_digest(self, request: Request) -> None:
        """Refuse a body that is not what this signature's own checksum says.

        Raises:
            Refused: With the reason.
        """
        ...


def scheme_of(request: Request) -> Scheme:
    """How the request is signed, by the first word of its `Authorization`.

    Raises:
        Refused: By a newer algorithm that is not offered.
    """
    algorithm = request.headers["authorization"].strip().partition(" ")[0]
    if algorithm == acs3.ALGORITHM:
        return _ACS3
    if algorithm.startswith("ACS3-"):
        raise Refused("InvalidSignatureMethod")
    return _ROA


_DATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", re.ASCII)


class _Roa:
    """Version 1, HMAC-SHA1. Source: "Signature method"."""

    # The nonce is missing here on purpose: the documents demand it, but the vendor's SDK for this
    # service never sends it. So is Content-MD5, which the vendor's newer SDK does without.
    required = ("Content-Type", "Date", "x-acs-signature-method", "x-acs-signature-version")

    def check_parameters(self, request: Request) -> None:
        if request.headers["x-acs-signature-method"] != "HMAC-SHA1":
            raise Refused("InvalidSignatureMethod")
        if request.headers["x-acs-signature-version"] != "1.0":
            raise Refused("InvalidParameter.Format", "x-acs-signature-version must be 1.0.")

    def sent_at(self, request: Request) -> float:
        # The parser takes dates of many kinds; only one of them is the documented.
        date = request.headers["date"].strip()
        if not _DATE.fullmatch(date):
            raise ValueError("not of the form Tue, 14 Mar 2017 06:29:50 GMT")
        sent = parsedate_to_datetime(date).timestamp()
        if signing.http_date(sent) != date:
            raise ValueError("a date that there is not")
        return sent

    def claim(self, request: Request) -> Claim:
        scheme, _, rest = request.headers["authorization"].strip().partition(" ")
        key, _, signature = rest.partition(":")
        if scheme != "acs" or not key or not signature:
            raise Refused("IncompleteSignature", "Authorization must be: acs ID:signature")
        return Claim(key, signature)

    def signature(self, secret: str, request: Request, _: Claim) -> str:
        return signing.signature(secret, self._text(request))

    def explain(self, request: Request, _: Claim) -> str:
        # An echo that equals the client's own string tells it that the secret is wrong, and nothing
        # else. The vendor's SDK looks for it between the first colon and the second.
        words = REFUSALS["SignatureDoesNotMatch"][1]
        return f"{words} server string to sign is:{self._text(request)}"

    def check_digest(self, request: Request) -> None:
        """Its checksum is Content-MD5, which the gateway compares for all."""

    def _text(self, request: Request) -> str:
        return signing.string_to_sign(request.method, request.path, request.query, request.headers)


_AUTHORIZATION = re.compile(
    rf"{acs3.ALGORITHM} Credential=([^,\s]+),SignedHeaders=([^,\s]+),Signature=([^,\s]+)"
)


class _Acs3:
    """Version 3, ACS3-HMAC-SHA256. Source: "V3 request structure and signature mechanism"."""

    required = (
        "Host",
        "x-acs-date",
        "x-acs-signature-nonce",
        "x-acs-content-sha256",
        "x-acs-action",
        "Content-Type",
    )

    def check_parameters(self, request: Request) -> None:
        """All its parameters are in `Authorization`."""

    def sent_at(self, request: Request) -> float:
        return acs3.seconds_of(request.headers["x-acs-date"].strip())

    def claim(self, request: Request) -> Claim:
        found = _AUTHORIZATION.fullmatch(request.headers["authorization"].strip())
        if found is None:
            raise Refused(
                "IncompleteSignature",
                "Authorization must be: "
                f"{acs3.ALGORITHM} Credential=ID,SignedHeaders=a;b,Signature=signature",
            )
        key, names, signature = found.groups()
        signed = tuple(names.split(";"))
        self._check_signed(request, signed)
        return Claim(key, signature, signed)

    def _check_signed(self, request: Request, signed: tuple[str, ...]) -> None:
        """What is not signed could be changed on the way, what is not there cannot be verified."""
        if list(signed) != sorted({name.lower() for name in signed}):
            raise Refused("IncompleteSignature", "SignedHeaders are not lower-case and in order.")
        present = set(request.headers)
        must = {n for n in present if n in ("host", "content-type") or n.startswith("x-acs-")}
        if unsigned := sorted(must.difference(signed)):
            raise Refused("IncompleteSignature", f"SignedHeaders lack {', '.join(unsigned)}.")
        if absent := sorted(set(signed) - present):
            raise Refused("IncompleteSignature", f"SignedHeaders not sent: {', '.join(absent)}.")
        if twice := sorted(set(signed).intersection(request.repeated)):
            raise Refused("IncompleteSignature", f"SignedHeaders sent twice: {', '.join(twice)}.")

    def signature(self, secret: str, request: Request, claim: Claim) -> str:
        return acs3.signature(secret, acs3.string_to_sign(self._canonical(request, claim)))

    def explain(self, request: Request, claim: Claim) -> str:
        # In the words that users of other products report.
        canonical = self._canonical(request, claim)
        return (
            "Specified signature does not match our calculation. "
            f"server StringToSign is [{acs3.string_to_sign(canonical)}] "
            f"server CanonicalRequest is [{canonical}]"
        )

    def check_digest(self, request: Request) -> None:
        # No page names a code. A body changed on the way never comes so far: its checksum is the
        # last line of what is signed.
        if request.headers["x-acs-content-sha256"].strip() != acs3.sha256(request.body):
            words = "x-acs-content-sha256 is not the lower-case SHA-256 of the body."
            raise Refused("InvalidParameter.Format", words)

    def _canonical(self, request: Request, claim: Claim) -> str:
        return acs3.canonical_request(
            request.method,
            request.path,
            request.query,
            request.headers,
            signed=claim.signed,
            body=request.body,
        )


_ROA: Scheme = _Roa()
_ACS3: Scheme = _Acs3()
