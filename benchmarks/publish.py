"""Publish a full run: write `results.json`, the charts, and the tables in the README.

`python -m benchmarks.publish` writes the tables and the charts again, from `results.json`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from benchmarks.charts import draw, reason_not_drawable
from benchmarks.report import Run
from benchmarks.table import comparison_table, markdown, phase_lines, target_table

HERE = Path(__file__).parent

RESULTS = HERE / "results.json"

README = HERE / "README.md"
"""README of the benchmarks. Its text between `<!-- results: NAME -->` and `<!-- end -->` is
generated from a run."""

_BLOCK = re.compile(r"(<!-- results: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def publish(run: Run) -> None:
    """Write the results, the tables and the charts of a run."""
    RESULTS.write_bytes(run.to_json())
    README.write_text(filled(README.read_text(encoding="utf-8"), run), encoding="utf-8")
    reason = reason_not_drawable()
    if reason is None:
        draw(run.rows, HERE)
    else:
        print(f"no charts: {reason}")


def filled(text: str, run: Run) -> str:
    """Return the text of the README with the tables of a run.

    Raises:
        KeyError: The README contains an unknown NAME.
    """
    blocks = _blocks(run)
    return _BLOCK.sub(lambda found: f"{found[1]}{blocks[found[2]]}\n{found[3]}", text)


def _blocks(run: Run) -> Mapping[str, str]:
    others = comparison_table(run.rows)
    phases = phase_lines(run.raised_quotas) if run.raised_quotas else ["not measured"]
    return {
        "machine": _machine(run),
        "targets": markdown(target_table(run.rows)),
        "beside": markdown(others) if others else "No other client was measured.",
        "missing": "\n".join(f"- {sentence}" for sentence in run.missing)
        or "All clients were installed.",
        "quotas": "\n".join(["```text", *phases, "```"]),
        "verdicts": _verdicts(run),
    }


def _machine(run: Run) -> str:
    where = run.machine
    versions = ", ".join(f"{name} {version}" for name, version in where.versions.items() if version)
    lost = f"{run.lost:,} images lost" if run.lost else "no image lost"
    return (
        f"{where.date[:10]}, {where.cores} cores, {where.system}, {where.python}; {versions}; "
        f"{run.size} size, {lost}."
    )


def _verdicts(run: Run) -> str:
    """Return sentences: the number of rows that meet their targets, and the names of the others."""
    by_verdict: dict[str, list[str]] = {}
    for row in run.rows:
        by_verdict.setdefault(row.verdict, []).append(row.number)
    beat, reached = (len(by_verdict.get(verdict, ())) for verdict in ("beat", "reached"))
    lines = [
        f"Of {len(run.rows)} rows {beat} meet the better of their targets, {reached} the other."
    ]
    for verdict in ("missed", "not measured"):
        if verdict in by_verdict:
            numbers = tuple(dict.fromkeys(by_verdict[verdict]))
            rows = "row" if len(numbers) == 1 else "rows"
            lines.append(f"{verdict.capitalize()}: {rows} {', '.join(numbers)}.")
    return "\n".join(lines)


if __name__ == "__main__":
    publish(Run.from_json(RESULTS.read_bytes()))
