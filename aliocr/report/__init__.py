"""The way of a result to the page: one HTML file of all that a job has read.

* `writing` counts all results and writes the page.
* `totals` counts rows, and failures by their reason.
* `choice` holds the rows that the page shows.
* `gallery` decides what the page shows of a picture: the picture, a link, or nothing.
* `originals` gets the picture from a file, and `fetching` from the network.
* `entry` puts picture and lines into the JSON that the page reads.
* `template` has the page around the data.
* `report_file` is the file on its way: a draft that replaces an earlier report at the end.

Pictures in the page need the extra `pictures`; nothing else needs it.
"""
