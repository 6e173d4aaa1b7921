"""The curves of a run as pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs

from benchmarks.figures import Curve, Row

__all__ = ["PICTURES", "draw", "undrawable"]

# Paper, ink and lines that are told apart by all eyes (Okabe and Ito); the paper is the picture's
# own, so that it can be read on a dark page, too.
PAPER, INK, GRID = "#fbfbf8", "#222222", "#d8d8d2"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")

LEAST = 0.1
"""Megabytes and milliseconds below this are nothing, and a logarithm has no nothing."""


@attrs.frozen
class _Picture:
    """Args: What it shows; which axes are logarithmic; a level to draw, with its name."""

    title: str
    log_x: bool = True
    log_y: bool = True
    level: tuple[float, str] | None = None


PICTURES: Mapping[str, _Picture] = MappingProxyType(
    {
        "throughput": _Picture(
            "Throughput, by how long an answer takes",
            log_x=False,
            log_y=False,
            level=(1000.0, "the account's limit"),
        ),
        "latency": _Picture("Latency of a single scan, by load"),
        "memory": _Picture("Memory, by images"),
        "growth": _Picture("CPU of an image, by what grows"),
    }
)
"""By the stem of the file."""


def undrawable() -> str | None:
    """Why no picture can be drawn, if none can."""
    if find_spec("matplotlib") is None:
        return "matplotlib is not installed: pip install -e '.[bench]'"
    return None


def draw(rows: Iterable[Row], folder: Path) -> None:
    """A PNG for each picture that some row has curves for, a panel for each of its x axes."""
    curves = [curve for row in rows for curve in row.curves]
    for stem, picture in PICTURES.items():
        panels: dict[str, list[Curve]] = {}
        for curve in curves:
            if curve.picture == stem:
                panels.setdefault(curve.x, []).append(curve)
        if panels:
            _draw(picture, panels, folder / f"{stem}.png")


def _draw(picture: _Picture, panels: Mapping[str, list[Curve]], path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width = 6.4 if len(panels) == 1 else 2.6 * len(panels)
    figure = Figure(figsize=(width, 3.4), dpi=110, facecolor=PAPER, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(picture.title, color=INK, fontsize=12)
    sides = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (x, side) in zip(sides, panels.items(), strict=True):
        _draw_panel(picture, axes, side)
        axes.set_xlabel(x, color=INK)
    curves = [curve for side in panels.values() for curve in side]
    sides[0].set_ylabel(curves[0].y, color=INK)
    if picture.log_y:
        sides[0].set_ylim(*_decades(value for curve in curves for _, value in curve.points))
    figure.savefig(path, metadata={"Software": None})


def _draw_panel(picture: _Picture, axes: Any, curves: list[Curve]) -> None:
    axes.set_facecolor(PAPER)
    for curve, colour in zip(curves, COLOURS, strict=False):
        across, up = zip(*curve.points, strict=True)
        if picture.log_y:
            up = tuple(max(LEAST, value) for value in up)
        axes.plot(across, up, "o-", color=colour, label=curve.line, markersize=4)
    if picture.log_x:
        _make_logarithmic(axes.set_xscale, axes.xaxis)
    if picture.log_y:
        _make_logarithmic(axes.set_yscale, axes.yaxis)
    else:
        axes.set_ylim(bottom=0)
    if picture.level is not None:
        height, name = picture.level
        axes.axhline(height, color=INK, linestyle=":", linewidth=1, label=name)
        axes.set_ylim(top=1.1 * height)
    axes.grid(color=GRID, linewidth=0.6)
    axes.tick_params(colors=INK, labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if len(curves) > 1:
        axes.legend(fontsize=8, facecolor=PAPER, edgecolor=GRID, labelcolor=INK)


def _decades(values: Iterable[float]) -> tuple[float, float]:
    """The powers of ten around them."""
    exponents = [math.log10(max(LEAST, value)) for value in values]
    return 10.0 ** math.floor(min(exponents)), 10.0 ** math.ceil(max(exponents))


def _make_logarithmic(scale: Callable[[str], None], axis: Any) -> None:
    """With numbers as people write them, at powers of ten."""
    from matplotlib.ticker import NullFormatter

    scale("log")
    axis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
    axis.set_minor_formatter(NullFormatter())
