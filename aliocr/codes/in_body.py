"""Codes in a reply. The documents do not say which are of the envelope, and which of an image.

Source: "Common error codes", "Public error codes" (408, 411), "FAQ about error messages".
"""

from __future__ import annotations

from aliocr.codes.explanation import LASTING, POLICY, Explanation

IN_BODY_WORDS: dict[int, Explanation] = {
    280: Explanation(
        "the service has not finished this image",
        "scan the image again after some seconds; this may be charged again",
        "PROCESSING",
    ),
    400: Explanation(
        "the service does not accept a parameter of this image",
        "correct the URL, data id or frames that the message names",
        "BAD_REQUEST",
    ),
    401: Explanation(
        "the service considers this URL, or a URL it redirects to, unsafe",
        "use a direct URL on a host of your own, or on OSS",
        "NOT_ALLOWED",
    ),
    403: Explanation(
        "the image's host refuses the service, because the image is private or protected from "
        "hotlinks",
        "make the image public, sign its URL, or allow the service to read your OSS bucket",
        "FORBIDDEN",
    ),
    404: Explanation(
        "no image at this URL",
        "check that the URL opens from the public Internet, without a login",
        "NOT_FOUND",
    ),
    408: Explanation(
        "the RAM user or role may not call image OCR",
        f"give it the policy {POLICY} in the RAM console",
        "No permissions.",
    ),
    411: Explanation(
        "the account's administrator has not allowed this RAM user or role to call image OCR",
        f"ask the administrator for the policy {POLICY}",
        "",
    ),
    480: Explanation(
        "the service could not fetch the image, or the image is above a size limit",
        "check that the URL opens from the public Internet, or send a smaller picture",
        "DOWNLOAD_FAILED",
    ),
    500: Explanation(
        "the service itself broke on this request, usually for a moment",
        f"scan the image again later; {LASTING}",
        "GENERAL_ERROR",
    ),
    503: Explanation(
        "the service is down, or the endpoint is not the service's",
        f"check endpoint and region, and try again later; {LASTING}",
        "ServiceUnavailable",
    ),
    580: Explanation(
        "a database inside the service did not answer it",
        f"scan the image again later; {LASTING}",
        "DB_FAILED",
    ),
    581: Explanation(
        "the image was not read within 6 s, most often because it has much text",
        "scan parts of the image, or use the service's asynchronous operation, which has no such "
        "limit",
        "TIMEOUT",
    ),
    585: Explanation(
        "the memory that the service keeps results in did not answer it",
        f"scan the image again later; {LASTING}",
        "CACHE_FAILED",
    ),
    586: Explanation(
        "the service's OCR gave up on this image, most often because of too much text for 3 s",
        "scan parts of the image, or use the service's asynchronous operation; if it has little "
        "text, give the request id to Alibaba Cloud's support",
        "ALGO_FAILED",
    ),
    587: Explanation(
        "the service could not pass the image on inside itself",
        f"scan the image again later; {LASTING}",
        "MQ_FAILED",
    ),
    588: Explanation(
        "over the account's quota for image OCR: 10 images per second and 50 at once, unless they "
        "were raised",
        "wait, because aliocr slows down by itself; for more, ask Alibaba Cloud's support to raise "
        "the quota for image OCR",
        "EXCEED_QUOTA",
    ),
    589: Explanation(
        "the image is larger than 20 MB",
        "compress it, or scale it down",
        "TOO_LARGE",
    ),
    590: Explanation(
        "not a readable PNG, JPG, JPEG, BMP, GIF or WEBP",
        "convert it to one of these, unless it is a web page and not an image",
        "BAD_FORMAT",
    ),
    591: Explanation(
        "the service has no connection left inside itself; it did not look at the image",
        f"try again later, with fewer images at once; {LASTING}",
        "CONNECTION_POOL_FULL",
    ),
    592: Explanation(
        "the image did not arrive at the service within 3 s",
        "keep images on a fast host near the service's region, such as OSS or a CDN",
        "DOWNLOAD_TIMEOUT",
    ),
    594: Explanation(
        "the result was kept for an hour at most, and is gone",
        "scan the image again; this is charged again",
        "EXPIRED",
    ),
    595: Explanation(
        "the service could not cut frames out of this file",
        "check that the file is whole, or read its first frame only, without interval and "
        "max_frames",
        "CATCH_FRAME_FAILED",
    ),
    596: Explanation(
        "the account may not use Content Moderation: it is not activated, overdue or banned, or "
        "the RAM user lacks permission",
        "activate the service in its console, pay overdue bills, or give the RAM user the policy "
        f"{POLICY}",
        "PERMISSION_DENY",
    ),
}

TOO_LARGE = Explanation("the image is above a size limit", "send a smaller picture")
"""For code 480 if the message names a limit."""
