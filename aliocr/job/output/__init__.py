"""The output of a job: write results, keep the journal of the job, and read results back.

The way of a result:

- `result` defines the fields of a result, for a row that was read and for a row that was not read.
- `ledger` takes the result. It opens output and journal, holds the `lock` of the job, and writes
  both files in the right order.
- `result_file` appends the record of the result to the output. If an earlier run was killed, it
  repairs the output first.
- `codecs` makes the record: a line of JSON, or a row of CSV. `versions` says which columns it has,
  in the version in which the job was begun.
- `journal` then stores the offset of the record, and keeps the state of the job. `job_state`
  defines this state, and checks that a journal is whole. `database` opens its file on any drive.
- `sent_mark` says beside the journal how many images may have been charged if the run is killed.
- `recovery` adds results to the journal that only the output has, because a run was killed or the
  journal is lost.
- `replacement` puts a draft in the place of the output, for a retry or for Parquet.
- `rowset` holds the numbers of all rows that are done.
- `image_index` finds the first row of an equal image.
- `parquet` replaces `result_file` for Parquet, because nothing can be appended to this format.
- `read_back` reads the results of an output for reports, searches and programs.
"""
