"""`python -m aliocr` runs the command `aliocr`."""

from aliocr.cli import main

if __name__ == "__main__":
    main()
