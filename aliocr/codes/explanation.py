"""The words for one code."""

from __future__ import annotations

import attrs

LASTING = "if it lasts, give the request id to Alibaba Cloud's support"
POLICY = "AliyunYundunGreenWebFullAccess"


@attrs.frozen
class Explanation:
    """The words for one code: parts of a sentence, which begin with a small letter.

    Args:
        cause: What the code means for a client.
        action: What to do; begins with a verb.
        name: The service's usual message for this code; empty if its messages differ.
    """

    cause: str
    action: str
    name: str = ""

    @property
    def advice(self) -> str:
        """Cause and action in one line."""
        return f"{self.cause}; {self.action}"
