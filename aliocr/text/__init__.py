"""Text as people read it: lines, search, hOCR.

The way of a text:

- `geometry`: straightens a page that lies askew, and measures the white between its boxes
- `layout`: divides the page into columns, blocks and rows, and joins the pieces to lines
- `search`: finds words in the lines
- `hocr`: writes the lines as a document for other programs
"""
