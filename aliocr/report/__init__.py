"""The report of a job: one HTML page with pictures and texts.

The way of a result to the page:

* `writing` counts all results and writes the page.
* `totals` counts rows, and failures by their reason.
* `choice` selects the rows that the page shows.
* `gallery` decides what the page shows for a picture: the picture, a link, or nothing.
* `originals` reads the picture from a file; `fetching` loads the picture from the network.
* `entry` converts picture and lines to the JSON that the page reads.
* `template` has the HTML before and after the data.
* `report_file` writes the page to a draft, which at the end replaces an earlier report.

Only pictures inside the page need the extra `pictures`.
"""
