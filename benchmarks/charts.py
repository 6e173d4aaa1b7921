"""Draw the curves of a run as charts, in PNG files."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs

from benchmarks.figures import Curve, Row

# These colours can be told apart with any kind of colour vision (Okabe and Ito). A chart has a
# light background, so that it is also readable on a dark page.
PAPER, INK, GRID = "#fbfbf8", "#222222", "#d8d8d2"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")

LEAST = 0.1
"""Minimum value in a chart, in megabytes or milliseconds. Smaller values are raised, because
a logarithmic axis has no zero."""


@attrs.frozen
class _Chart:
    """Title of a chart; which axes are logarithmic; a horizontal line, as its height and name."""

    title: str
    log_x: bool = True
    log_y: bool = True
    level: tuple[float, str] | None = None


CHARTS: Mapping[str, _Chart] = MappingProxyType(
    {
        "throughput": _Chart(
            "Throughput, by how long an answer takes",
            log_x=False,
            log_y=False,
            level=(1000.0, "the account's limit"),
        ),
        "latency": _Chart("Latency of a single scan, by load"),
        "memory": _Chart("Memory, by images"),
        "growth": _Chart("CPU of an image, by what grows"),
    }
)
"""Charts, by the name of the PNG file without `.png`."""


def reason_not_drawable() -> str | None:
    """Return the reason if charts cannot be drawn; None if they can."""
    if find_spec("matplotlib") is None:
        return "matplotlib is not installed: pip install -e '.[bench]'"
    return None


def draw(rows: Iterable[Row], folder: Path) -> None:
    """Write one PNG file per chart that has curves, with one panel per x axis."""
    curves = [curve for row in rows for curve in row.curves]
    for stem, chart in CHARTS.items():
        panels: dict[str, list[Curve]] = {}
        for curve in curves:
            if curve.picture == stem:
                panels.setdefault(curve.x, []).append(curve)
        if panels:
            _draw(chart, panels, folder / f"{stem}.png")


def _draw(chart: _Chart, panels: Mapping[str, list[Curve]], path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width = 6.4 if len(panels) == 1 else 2.6 * len(panels)
    figure = Figure(figsize=(width, 3.4), dpi=110, facecolor=PAPER, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(chart.title, color=INK, fontsize=12)
    sides = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (x, side) in zip(sides, panels.items(), strict=True):
        _draw_panel(chart, axes, side)
        axes.set_xlabel(x, color=INK)
    curves = [curve for side in panels.values() for curve in side]
    sides[0].set_ylabel(curves[0].y, color=INK)
    if chart.log_y:
        sides[0].set_ylim(*_decades(value for curve in curves for _, value in curve.points))
    figure.savefig(path, metadata={"Software": None})


def _draw_panel(chart: _Chart, axes: Any, curves: list[Curve]) -> None:
    axes.set_facecolor(PAPER)
    for curve, colour in zip(curves, COLOURS, strict=False):
        across, up = zip(*curve.points, strict=True)
        if chart.log_y:
            up = tuple(max(LEAST, value) for value in up)
        axes.plot(across, up, "o-", color=colour, label=curve.line, markersize=4)
    if chart.log_x:
        _make_logarithmic(axes.set_xscale, axes.xaxis)
    if chart.log_y:
        _make_logarithmic(axes.set_yscale, axes.yaxis)
    else:
        axes.set_ylim(bottom=0)
    if chart.level is not None:
        height, name = chart.level
        axes.axhline(height, color=INK, linestyle=":", linewidth=1, label=name)
        axes.set_ylim(top=1.1 * height)
    axes.grid(color=GRID, linewidth=0.6)
    axes.tick_params(colors=INK, labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if len(curves) > 1:
        axes.legend(fontsize=8, facecolor=PAPER, edgecolor=GRID, labelcolor=INK)


def _decades(values: Iterable[float]) -> tuple[float, float]:
    """Return the next power of ten below all values, and the next one above."""
    exponents = [math.log10(max(LEAST, value)) for value in values]
    return 10.0 ** math.floor(min(exponents)), 10.0 ** math.ceil(max(exponents))


def _make_logarithmic(scale: Callable[[str], None], axis: Any) -> None:
    """Make an axis logarithmic, and label it with plain numbers at powers of ten."""
    from matplotlib.ticker import NullFormatter

    scale("log")
    axis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
    axis.set_minor_formatter(NullFormatter())
