"""The output of a job: results, the journal of the job, and results read back.

The way of a result:

- `result` is the row of the output: read or unread.
- `ledger` takes the result. It opens output and journal, holds the `lock` of the job, and keeps
  both files in step.
- `result_file` appends the record of the result to the file, and mends the file after a kill.
- `codecs` makes the record: a line of JSON, or a row of CSV.
- `journal` then says where the record is, and keeps the state of the job.
- `rowset` holds the numbers of all rows that are done.
- `image_index` finds the first row of an equal image.
- `parquet` stands in for `result_file` in a format that cannot be appended to.
- `read_back` reads the results of an output for reports, searches and programs.
"""
