"""`python -m aliocr` is `aliocr`."""

from aliocr.cli import main

if __name__ == "__main__":
    main()
