"""The exports of a job: its texts in the formats of other programs.

The way of a row to the file:

* `formats` has the table of all formats: the suffix of the target chooses one of them.
* `originals` finds the picture of a row on this machine; nothing is downloaded.
* `hocr` writes a folder of hOCR files.
* `table` has the columns of those that are tables.
* `database` writes an SQLite file with full text, by the words of `search_words`.
* `sheet` writes a CSV file for spreadsheets.
* `tally` counts what was written, and what was not.

Each writer takes the rows one after the other, so that memory does not grow with the job.
"""
