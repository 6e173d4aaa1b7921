"""Bulk jobs: read a list of images from a file, and write the results to another file.

A job may be stopped or killed at any time. The next run continues where the last run ended, because
a journal beside the output keeps the state of the job.

The way of a row:

- `job` holds the arguments, and opens input and output for a run.
- `input` reads the rows: `opening` picks the format; `text`, `csv`, `jsonl`, `parquet` or `folder`
  makes `rows` (with `lines`, `columns` and `ids`); `several` reads files one after the other;
  `prefetch` reads ahead in a thread.
- `pipeline` moves rows in and results out, in four stages.
- `worklist` takes the rows that have no result yet, and finds equal images.
- `sources` makes an image from the text of the row.
- `budget` allows the image or ends the run. The session then reads the image.
- `circuit_breaker` holds back failures that the service may have caused, until the service reads
  images again.
- `worklist` makes a result from the outcome of the image, and copies this result for equal rows.
- `output` stores the result: `ledger` writes output and journal in step (`result_file`, `codecs`,
  `parquet`, `journal`, `image_index`, `rowset`, `lock`); `result` defines the fields of a result;
  `read_back` reads results from an output.
- `summary` counts the row, and takes the advice on failures from `advice`.

Three modules are not on this way: `plan` counts the rows of an input before a run, `errors` has the
errors of a job, and `csv_module` is the CSV parser of input and output.
"""
