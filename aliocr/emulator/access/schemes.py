"""The two signature schemes: HMAC-SHA1 and ACS3-HMAC-SHA256.

Both schemes verify the request as received, so a client may add headers and parameters if the
client signs them. Each scheme is a class, and the two classes have the same members. Here the
members are in the order of the checks. A failed check raises `Refused`:

* `required` has the headers that the scheme needs, in addition to the headers of all requests.
* `check_parameters` refuses a variant of the signature that the gateway does not offer.
* `sent_at` returns the date in seconds since the epoch. If the form of the date is not documented,
  it raises `ValueError`.
* `read_claim` reads the `Authorization` header.
* `signature` computes the correct signature. `explain` returns the message for a wrong signature,
  with the text that the server signed.
* `check_digest` compares the body with the checksum header of the scheme.
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TypeAlias

import attrs

from aliocr.emulator.access import acs3
from aliocr.emulator.access.refusal import REFUSALS, Refused
from aliocr.emulator.access.request import RawRequest
from aliocr.protocol import signing


@attrs.frozen
class Claim:
    """The content of an `Authorization` header. `repr()` does not show the signature.

    `signed` has the names of the signed headers. It is empty for HMAC-SHA1, because this scheme
    does not send these names.
    """

    access_key_id: str
    signature: str = attrs.field(repr=False)
    signed: tuple[str, ...] = ()


def find_scheme(request: RawRequest) -> Scheme:
    """Return the scheme that the first word of `Authorization` names.

    Raises:
        Refused: The request uses another ACS3 algorithm, which the gateway does not offer.
    """
    algorithm = request.headers["authorization"].strip().partition(" ")[0]
    if algorithm == acs3.ALGORITHM:
        return _Acs3()
    if algorithm.startswith("ACS3-"):
        raise Refused("InvalidSignatureMethod")
    return _Roa()


_DATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", re.ASCII)


class _Roa:
    """Version 1, HMAC-SHA1. Source: "Signature method"."""

    # The documents also require the nonce and Content-MD5. The gateway does not require these two
    # headers, because the vendor's SDK for this service never sends the nonce, and the vendor's
    # newer SDK does not send Content-MD5.
    required = ("Content-Type", "Date", "x-acs-signature-method", "x-acs-signature-version")

    def check_parameters(self, request: RawRequest) -> None:
        if request.headers["x-acs-signature-method"] != "HMAC-SHA1":
            raise Refused("InvalidSignatureMethod")
        if request.headers["x-acs-signature-version"] != "1.0":
            raise Refused("InvalidParameter.Format", "x-acs-signature-version must be 1.0.")

    def sent_at(self, request: RawRequest) -> float:
        # The parser accepts dates of many forms, but only one form is documented.
        date = request.headers["date"].strip()
        if not _DATE.fullmatch(date):
            raise ValueError("not of the form Tue, 14 Mar 2017 06:29:50 GMT")
        sent = parsedate_to_datetime(date).timestamp()
        if signing.http_date(sent) != date:
            raise ValueError("not a date of the calendar")
        return sent

    def read_claim(self, request: RawRequest) -> Claim:
        scheme, _, rest = request.headers["authorization"].strip().partition(" ")
        key, _, signature = rest.partition(":")
        if scheme != "acs" or not key or not signature:
            raise Refused("IncompleteSignature", "Authorization must be: acs ID:signature")
        return Claim(key, signature)

    def signature(self, secret: str, request: RawRequest, _: Claim) -> str:
        return signing.signature(secret, self._text(request))

    def explain(self, request: RawRequest, _: Claim) -> str:
        # The message contains the string that the server signed. If the client has signed an equal
        # string, only the secret is wrong. The vendor's SDK finds the string in the message between
        # the first two colons.
        words = REFUSALS["SignatureDoesNotMatch"][1]
        return f"{words} server string to sign is:{self._text(request)}"

    def check_digest(self, request: RawRequest) -> None:
        """Do nothing: Content-MD5, the checksum of this scheme, is checked in every request."""

    def _text(self, request: RawRequest) -> str:
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

    def check_parameters(self, request: RawRequest) -> None:
        """Do nothing, because all parameters of the scheme are in `Authorization`."""

    def sent_at(self, request: RawRequest) -> float:
        return acs3.seconds_of(request.headers["x-acs-date"].strip())

    def read_claim(self, request: RawRequest) -> Claim:
        found = _AUTHORIZATION.fullmatch(request.headers["authorization"].strip())
        if found is None:
            raise Refused(
                "IncompleteSignature",
                "Authorization must be: "
                f"{acs3.ALGORITHM} Credential=ID,SignedHeaders=a;b,Signature=signature",
            )
        key, names, signature = found.groups()
        signed = tuple(names.split(";"))
        if list(signed) != sorted({name.lower() for name in signed}):
            raise Refused("IncompleteSignature", "SignedHeaders must be lower-case, and in order.")
        # These headers must be signed, because someone could change an unsigned header on the way.
        present = set(request.headers)
        must = {n for n in present if n in ("host", "content-type") or n.startswith("x-acs-")}
        if unsigned := sorted(must.difference(signed)):
            raise Refused("IncompleteSignature", f"SignedHeaders lack {', '.join(unsigned)}.")
        if absent := sorted(set(signed) - present):
            raise Refused("IncompleteSignature", f"SignedHeaders not sent: {', '.join(absent)}.")
        if twice := sorted(set(signed).intersection(request.repeated)):
            raise Refused("IncompleteSignature", f"SignedHeaders sent twice: {', '.join(twice)}.")
        return Claim(key, signature, signed)

    def signature(self, secret: str, request: RawRequest, claim: Claim) -> str:
        return acs3.signature(secret, acs3.string_to_sign(self._canonical(request, claim)))

    def explain(self, request: RawRequest, claim: Claim) -> str:
        # The message has the words that users of the vendor's other products report.
        canonical = self._canonical(request, claim)
        return (
            "Specified signature does not match our calculation. "
            f"server StringToSign is [{acs3.string_to_sign(canonical)}] "
            f"server CanonicalRequest is [{canonical}]"
        )

    def check_digest(self, request: RawRequest) -> None:
        # The documents do not name the code for a wrong checksum. The signature covers the checksum
        # of the body, so if the body was changed on the way, the signature check failed before.
        if request.headers["x-acs-content-sha256"].strip() != acs3.sha256(request.body):
            words = "x-acs-content-sha256 is not the lower-case SHA-256 of the body."
            raise Refused("InvalidParameter.Format", words)

    def _canonical(self, request: RawRequest, claim: Claim) -> str:
        return acs3.canonical_request(
            request.method,
            request.path,
            request.query,
            request.headers,
            signed=claim.signed,
            body=request.body,
        )


Scheme: TypeAlias = _Roa | _Acs3
