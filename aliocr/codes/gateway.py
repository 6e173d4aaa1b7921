"""Codes of the gateway in front of the service, and codes for what is before the gateway.

The gateway adds details to a code after a dot. `Missing` stands for all codes that begin with it.

Source: "Common parameters", "Public errors"; for the other codes, the generic gateway pages.
"""

from __future__ import annotations

from aliocr.codes.explanation import LASTING, POLICY, Explanation

_DIRECT = "use an https endpoint, or let the proxy pass the request unchanged"
_ENDPOINT = "use the endpoint green.REGION.aliyuncs.com of a region that offers image OCR"
_SLOWER = (
    "wait, because aliocr slows down by itself; if other programs use the account, too, lower "
    "Limits(requests_per_second)"
)

SIGNATURE = "SignatureDoesNotMatch"

GATEWAY_WORDS: dict[str, Explanation] = {
    "InvalidAccessKeyId": Explanation(
        "the service does not accept this AccessKey ID",
        "check ALIBABA_CLOUD_ACCESS_KEY_ID, and that the key is enabled",
    ),
    "InvalidAccessKeyId.NotFound": Explanation(
        "no account has this AccessKey ID",
        "copy it anew from the RAM console; a key of the China site is none of the international "
        "site",
    ),
    "InvalidAccessKeyId.Inactive": Explanation(
        "this AccessKey was switched off",
        "enable it in the RAM console, or create another one",
    ),
    SIGNATURE: Explanation(
        "the AccessKey secret is wrong, or a proxy on the way changed the request",
        "copy the secret anew; if it is right, look for the proxy",
    ),
    "ContentMD5NotMatched": Explanation(
        "the body that arrived is not the body that was sent, so a proxy on the way changed it",
        _DIRECT,
    ),
    "Missing": Explanation(
        "a header did not arrive, so a proxy on the way removed it",
        _DIRECT,
    ),
    "MissingSecurityToken": Explanation(
        "this is a temporary AccessKey, and it was used without its token",
        "set ALIBABA_CLOUD_SECURITY_TOKEN, or give security_token to Credentials",
    ),
    "UnsupportedHTTPMethod": Explanation(
        "the request did not arrive as a POST, so something on the way changed it",
        "check that the endpoint is the service's own address; " + _DIRECT,
    ),
    "IncompleteSignature": Explanation(
        "the Authorization header did not arrive whole",
        "check the AccessKey ID for spaces and line ends; " + _DIRECT,
    ),
    "InvalidSignatureMethod": Explanation(
        "this endpoint does not accept HMAC-SHA1, so it is not Content Moderation 1.0",
        _ENDPOINT,
    ),
    "InvalidSecurityToken": Explanation(
        "the token of the temporary key is not valid",
        "get a new temporary key; its id, secret and token are issued together",
    ),
    "InvalidSecurityToken.Expired": Explanation(
        "the temporary key is too old",
        "get a new one, or give Session a function that returns a fresh key",
    ),
    "InvalidSecurityToken.Malformed": Explanation(
        "the token did not arrive as it was issued",
        "copy the whole token, without spaces and line ends",
    ),
    "InvalidSecurityToken.MismatchWithAccessKey": Explanation(
        "token and AccessKey were not issued together",
        "take id, secret and token from one and the same answer",
    ),
    "InvalidTimeStamp": Explanation(
        "the service does not accept the date of the request",
        "set this machine's clock; if it is right, look for a proxy that changes headers",
    ),
    "InvalidTimeStamp.Expired": Explanation(
        "this machine's clock differs from the service's by more than 15 minutes",
        "set the clock, best from a time server (NTP)",
    ),
    "InvalidTimeStamp.Format": Explanation(
        "the Date header did not arrive as it was sent; the clock is not the cause",
        _DIRECT,
    ),
    "SignatureNonceUsed": Explanation(
        "the same request arrived twice, so something on the way repeated it; the first one may "
        "have been charged",
        "scan the images again, and look for a proxy that repeats requests",
    ),
    "Forbidden": Explanation(
        "the RAM user or role may not call image OCR, or a policy denies it",
        f"give it the policy {POLICY}, or remove the denying policy",
    ),
    "Forbidden.RAM": Explanation(
        "no RAM policy allows this call, or one denies it",
        f"attach the policy {POLICY} to the RAM user or role, or remove the denying policy",
    ),
    "NoPermission": Explanation(
        "this RAM user or role was never allowed to call image OCR",
        f"give it the policy {POLICY} in the RAM console",
    ),
    "InvalidParameter": Explanation(
        "the gateway could not read a part of the request, so a proxy on the way changed it",
        _DIRECT,
    ),
    "InvalidAction": Explanation(
        "this endpoint does not know the operation or its version 2018-05-09",
        _ENDPOINT,
    ),
    "InvalidApi": Explanation(
        "this endpoint has no address /green/image/scan",
        _ENDPOINT,
    ),
    "InvalidProduct": Explanation(
        "this host does not offer Content Moderation",
        _ENDPOINT,
    ),
    "InvalidProtocol": Explanation(
        "this endpoint requires https",
        "begin the endpoint with https://",
    ),
    "Throttling": Explanation(
        "over a request rate of the gateway",
        _SLOWER,
    ),
    "Throttling.User": Explanation(
        "over the account's request rate, 10 per second unless it was raised",
        _SLOWER,
    ),
    "Throttling.Api": Explanation(
        "over the request rate that the service has for this operation",
        _SLOWER,
    ),
    "InternalError": Explanation(
        "the gateway broke on this request, usually for a moment",
        f"try again later; {LASTING}",
    ),
    "ServiceUnavailable": Explanation(
        "the gateway does not reach the service behind it",
        f"try again later; {LASTING}",
    ),
}

OUTSIDE_WORDS: dict[str, Explanation] = {
    "NoCredentials": Explanation(
        "there was no AccessKey to sign with",
        "set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or correct the "
        "function that returns credentials",
    ),
    "HTTP 401": Explanation(
        "a proxy before the service wants to know who you are",
        "check endpoint and proxy; give the user and password that the proxy asks for",
    ),
    "HTTP 403": Explanation(
        "a proxy before the service does not let requests through to it",
        "ask the owner of the proxy for access to the endpoint",
    ),
    "HTTP 407": Explanation(
        "the proxy requires a login",
        "give its user and password, as in http://USER:PASSWORD@proxy:8080",
    ),
    "HTTP 429": Explanation(
        "over a request rate that something before the service allows",
        _SLOWER,
    ),
    "HTTP 511": Explanation(
        "the network requires a login, as in a hotel",
        "log in to the network with a browser",
    ),
}

"""Codes of this package, for what ends a request before the gateway."""

SAME_TEXT = "the service signed the same text"
OTHER_TEXT = "the service signed another text"

FINDINGS: dict[str, Explanation] = {
    SAME_TEXT: Explanation(
        "only the AccessKey secret is wrong",
        "copy the secret anew, for exactly this AccessKey ID",
    ),
    OTHER_TEXT: Explanation(
        "something on the way (a proxy) changed the request",
        _DIRECT,
    ),
}
"""For SignatureDoesNotMatch, if the message ends with one of these findings."""
