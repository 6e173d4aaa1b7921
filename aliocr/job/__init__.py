"""Bulk jobs: a list of images in a file, their results in another file, and a journal.

A job may be stopped at any time and in any way, and goes on where it was.

The way of a row:

- `job` holds the arguments, and opens input and output for a run.
- `input` reads the rows: `opening` picks the format; `text`, `csv`, `jsonl`, `parquet` or `folder`
  makes `rows` (with `lines` and `columns`); `prefetch` reads ahead in a thread.
- `pipeline` moves rows in and results out, in four stages.
- `worklist` draws the rows that are still to be read, and finds equal images.
- `sources` makes an image of the row's text.
- `budget` allows the image or ends the run. The session then reads the image.
- `circuit_breaker` holds failures back that may be the service's.
- `worklist` makes the row's result of the outcome, and copies it for equal rows.
- `output` keeps it: `ledger` writes output and journal in step (`result_file`, `codecs`, `parquet`,
  `journal`, `image_index`, `rowset`, `lock`); `result` is the row, and `read_back` reads it again.
- `summary` counts the row, with the `advice` on its failure.

Beside this way: `plan` counts the rows of an input before a run, `errors` are the errors of a job,
and `csv_module` is the CSV parser of input and output.
"""
