"""The input of a job: rows of a list, whatever its format.

The way of a row through input:

- `opening`: finds out the format and opens the input, once for a run
- `lines`: gives the lines of a text file, and hashes each that was taken
- `text`, `csv`, `jsonl`, `parquet`, `folder`: one reader a format, which makes rows
- `columns`: picks the columns of images and ids, and makes a row of two cells
- `rows`: what a reader gives: a row, a bad row, a checkpoint to go on from
- `prefetch`: reads rows in a thread of its own, ahead of the job that takes them
"""
