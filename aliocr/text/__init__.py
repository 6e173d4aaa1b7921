"""Text in the order in which a person reads: lines, search, hOCR.

The way of a text:

- `geometry`: straightens a page that is slightly turned, and measures the gaps between its boxes
- `layout`: divides the page into columns, blocks and rows, and joins the pieces to lines
- `search`: finds words in the lines
- `hocr`: writes the lines as a document for other programs
"""
