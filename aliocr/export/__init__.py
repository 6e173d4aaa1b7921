"""The exports of a job: its texts in the formats of other programs.

The way of a row to the file:

* `formats` has the table of all formats: the suffix of the target chooses one of them.
* `list_order` puts the rows into the order of the list.
* `originals` finds the picture of a row on this machine; nothing is downloaded.
* `tally` counts what was written, and what was not.
* `wording` says what people call the picture, and leaves out what cannot be seen.
* `hocr` writes a folder of hOCR files.
* `text` writes one text of all pictures, plain or in Markdown.
* `table` has the columns of those that are tables.
* `database` writes an SQLite file with full text, by the words of `search_words`.
* `sheet` writes a CSV file for spreadsheets.

The way of a picture to a page of a PDF, which needs the extra `pdf`:

* `pdf` decides which pages a row has, and which have their picture.
* `page_image` takes a picture as it is if a PDF can have it, or converts it.
* `text_page` draws the text where there is no picture.
* `text_layer` lays the text over the picture, in the font of `glyphless`, which has no ink.
* `pdf_file` writes the pages in parts, and joins the parts.

Each writer takes the rows one after the other, so that memory does not grow with the job.
"""
