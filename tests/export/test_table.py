"""A table has all plain columns of an output."""

from __future__ import annotations

from aliocr.export.database import TYPES
from aliocr.export.table import COLUMNS, LISTS, values_of
from aliocr.job.output.codecs import fields_of
from tests.support.rows_read import failed, said


def test_no_column_is_left_out() -> None:
    """A column that is added to outputs is in tables, too."""
    for row in (said("Total"), failed()):
        assert tuple(values_of(row)) == COLUMNS
        assert set(fields_of(row)) - set(LISTS) | {"lines"} == set(COLUMNS)


def test_each_type_is_of_a_column() -> None:
    """None is misspelt, and none that is no text is left out."""
    values = values_of(said("Total", interval=1, max_frames=2, rate=9.5, line=1))
    values |= {name: value for name, value in values_of(failed()).items() if value is not None}
    others = {name for name, value in values.items() if not isinstance(value, str | None)}
    assert others <= set(TYPES)
    assert set(TYPES) - set(COLUMNS) <= {"width", "height", "turn"}
