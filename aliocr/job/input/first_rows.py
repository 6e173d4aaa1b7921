"""Look at the first rows of an input before a job begins, because a wrong list costs an output.

A list that is something else, or a wrong column, gives nothing but bad rows. It is refused before
anything is written, so that the corrected command finds nothing in its way.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from aliocr.job.errors import BY_ALLOW_BAD, BY_COLUMN, InputError
from aliocr.job.input.rows import BadRow, Reader, RowOrBad

FIRST_ROWS = 100
"""Number of rows that are looked at, if no row before names an image."""

NAMED = 3
"""Maximum number of bad rows that the message names."""


@attrs.define
class FirstRows:
    """The first rows of an input, up to the first that names an image.

    Args:
        name: Name of the input, for the message.
        check: Raises a `ValueError` with the reason if a source is not an image; None to take bad
            rows, too.

    Attributes:
        enough: True if the job may begin.
    """

    name: str
    check: Callable[[str], None] | None
    enough: bool = attrs.field(default=False, init=False)
    _bad: list[BadRow] = attrs.field(factory=list, init=False)

    def take(self, row: RowOrBad, reader: Reader) -> bool:
        """Look at the next row; return True if this is enough.

        Raises:
            InputError: This is the last of `FIRST_ROWS`, and none of them names an image.
        """
        bad = bad_row(row, self.check, reader.file) if self.check else None
        if bad is None:
            self.enough = True
            return True
        self._bad.append(bad)
        if len(self._bad) == FIRST_ROWS:
            raise self._refusal(f"its first {FIRST_ROWS} rows", reader)
        return False

    def end(self, reader: Reader) -> None:
        """Decide at the end of the input. An input without rows is no mistake.

        Raises:
            InputError: No row names an image.
        """
        if self._bad and not self.enough:
            rows = f"its {len(self._bad)} rows" if len(self._bad) > 1 else "its only row"
            raise self._refusal(rows, reader)
        self.enough = True

    def _refusal(self, rows: str, reader: Reader) -> InputError:
        reasons: dict[str, list[str]] = {}
        for bad in self._bad[:NAMED]:
            file = "" if bad.file is None else f" of {bad.file}"
            line = "" if bad.line is None else f" (line {bad.line:,}{file})"
            reasons.setdefault(bad.problem, []).append(f"row {bad.number:,}{line}")
        said = "; ".join(f"{', '.join(places)}: {why}" for why, places in reasons.items())
        column = f", give another column {BY_COLUMN}" if reader.columns else ""
        return InputError(
            f"{self.name} names no image in {rows} ({reader.description}). {said}. Mend the list"
            f"{column}, or let these rows fail {BY_ALLOW_BAD}"
        )


def bad_row(row: RowOrBad, check: Callable[[str], None], file: str | None) -> BadRow | None:
    """Return the row as a bad row with the reason if it names no image, else None."""
    if isinstance(row, BadRow):
        return row
    try:
        check(row.source)
    except ValueError as error:
        return BadRow(row.number, row.source, str(error), row.id, row.line, file)
    return None
