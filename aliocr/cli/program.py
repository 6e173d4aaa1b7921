"""The program and its commands."""

import click

from aliocr.cli.draw import draw
from aliocr.cli.emulate import emulate
from aliocr.cli.export import export
from aliocr.cli.report import report
from aliocr.cli.run import run
from aliocr.cli.scan import scan
from aliocr.cli.search import search_output
from aliocr.version import __version__

__all__ = ["program"]


@click.group(
    commands=[draw, emulate, export, report, run, scan, search_output],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="aliocr")
def program() -> None:
    """Read the text in pictures with Alibaba Cloud's image OCR, or with none of it."""
