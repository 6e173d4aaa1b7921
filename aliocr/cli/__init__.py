"""The command line: a thin shell over the library. Needs the extra `cli`."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run `aliocr`; exit 0 all read, 1 some failed, 2 misuse, 130 interrupted."""
    try:
        from aliocr.cli.program import program  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        print(  # noqa: T201 - nothing better can be there
            "The command line needs click and rich: pip install 'aliocr[cli]'", file=sys.stderr
        )
        sys.exit(2)
    program()
