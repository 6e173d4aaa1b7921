"""What was read, as people read it: lines, search, hOCR."""
