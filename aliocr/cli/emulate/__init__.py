"""`aliocr emulate`."""
