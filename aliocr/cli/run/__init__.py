"""`aliocr run`."""
