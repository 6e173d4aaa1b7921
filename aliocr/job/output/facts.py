"""What a job remembers of itself."""

from __future__ import annotations

import attrs


@attrs.frozen
class Facts:
    """What a job remembers from run to run.

    Args:
        settings: What makes rows mean what they mean; a job goes on only with the same.
        length: Bytes of the output that the rows account for.
        through: All rows up to this one are in the output.
        charged: Images that were charged.
        spent: Those and all that may have been charged.
        duplicates: Rows that got the result of an equal one.
        replacing: A copy of the output is about to take its place.
        published: An output that is written as a whole has all results.
        total: Rows of the input, once all of it has been read; 0 before.
    """

    settings: str
    length: int = 0
    through: int = 0
    charged: int = 0
    spent: int = 0
    duplicates: int = 0
    replacing: bool = False
    published: bool = False
    total: int = 0
