"""The installed package reads an image through its emulator, with nothing else installed."""

import asyncio

import aliocr
from aliocr.emulator import Emulator


async def main() -> None:
    """One scan, there and back."""
    async with (
        Emulator() as emulator,
        aliocr.Session(credentials=emulator.credentials, endpoint=emulator.url) as ocr,
    ):
        emulator.text("https://example.com/a.png", "read")
        scan = await ocr.scan("https://example.com/a.png")
        assert scan.text == "read"
    print(f"aliocr {aliocr.__version__} works on its runtime dependencies")  # noqa: T201


asyncio.run(main())
