"""Statistics of a session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import attrs


@attrs.frozen
class Stats:
    """The numbers of a session since it was opened, at one moment.

    Args:
        requests: Number of requests sent.
        images_sent: Number of images in these requests; an image sent again counts again.
        outcomes: Number of outcomes that callers got, by kind: `"Scan"`, or the name of the error's
            class. Every `OverloadError` counts, and every `timeout=` of `scan` that ran out.
        throttled: Number of tries that were refused for the request rate or the image quota.
        retried: Number of tries of images that had failed before, but not by throttling.
        charged_again: Number of tries of images of which an earlier try may have been charged.
        given_up: Number of images whose callers all left after a try that may have been charged.
        shared: Number of images that joined an equal pending image, and cost nothing.
        waited: Seconds for which images waited for a permit, the quota, or the end of a pause.
        batch_fill: Fraction of the places in requests that images filled: 0 to 1.
        under_way: Number of images that are in requests now.
        waiting: Number of images that wait now for a permit or for their next try.
    """

    requests: int = 0
    images_sent: int = 0
    outcomes: Mapping[str, int] = attrs.field(factory=dict)
    throttled: int = 0
    retried: int = 0
    charged_again: int = 0
    given_up: int = 0
    shared: int = 0
    waited: float = 0.0
    batch_fill: float = 0.0
    under_way: int = 0
    waiting: int = 0


@attrs.define
class Tally:
    """The running counters behind `Stats`."""

    images_per_request: int
    requests: int = 0
    images_sent: int = 0
    outcomes: Counter[str] = attrs.field(factory=Counter)
    throttled: int = 0
    retried: int = 0
    charged_again: int = 0
    given_up: int = 0
    shared: int = 0
    waited: float = 0.0
    under_way: int = 0

    def stats(self, *, waiting: int = 0) -> Stats:
        """Return the numbers of this moment."""
        places = self.requests * self.images_per_request
        return Stats(
            requests=self.requests,
            images_sent=self.images_sent,
            outcomes=dict(self.outcomes),
            throttled=self.throttled,
            retried=self.retried,
            charged_again=self.charged_again,
            given_up=self.given_up,
            shared=self.shared,
            waited=self.waited,
            batch_fill=self.images_sent / places if places else 0.0,
            under_way=self.under_way,
            waiting=waiting,
        )
