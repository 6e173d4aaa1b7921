"""The input of a job: a list of images in any of several formats, read row by row.

The way of a row through input:

- `opening`: finds out the format and opens the input, once per run
- `lines`: reads the lines of a text file, and hashes the lines that were taken
- `text`, `csv`, `jsonl`, `parquet`, `folder`: one reader per format, which makes rows
- `columns`: chooses the columns of images and ids, and makes a row from their two cells
- `rows`: the types that a reader returns: row, bad row, and checkpoint to continue from
- `prefetch`: reads rows in a separate thread, before the job takes them
"""
