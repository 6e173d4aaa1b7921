"""Text in the order in which a person reads: lines, search, hOCR.

The way of a text:

- `vertical`: turns vertical Chinese and Japanese by a quarter, so that its columns lie like lines
- `skew`: straightens a page that is slightly turned
- `columns`: divides the page at its gaps into columns and blocks
- `layout`: orders each block by rows, and joins the pieces to lines
- `search`: finds words in the lines
- `pages`: tells the frames of a GIF, which are pages, from the strips of a long picture
- `boxes`: gives each word its share of a box, in whole pixels
- `hocr`: writes the lines as a document for other programs

`geometry` has the boxes and the gaps between them, `letters` what is known of a single letter.
"""
