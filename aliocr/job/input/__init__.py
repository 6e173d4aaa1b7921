"""The input of a job: a list of images in any of several formats, read row by row.

The way of a row through input:

- `opening`: finds out the format and opens the input, once per run
- `several`: finds the files of a pattern or a folder of lists, and reads several files as one
- `compression`: unpacks a compressed file while it is read
- `lines`: reads the lines of a text file, and hashes them to notice later changes
- `header`: finds the header of a CSV file, below a title or comments
- `text`, `csv`, `jsonl`, `parquet`, `folder`: one reader per format; each makes rows
- `columns`: chooses the columns of images and ids, and makes a row from their two cells
- `ids`: makes an id from a cell of any type; `parquet_ids` reads these cells from Parquet
- `rows`: the types that a reader returns: row, bad row, and checkpoint, where a run can continue
- `prefetch`: reads rows in a separate thread, before the job takes them
"""
