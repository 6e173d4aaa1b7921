"""The report of a job: one HTML page with pictures and texts.

The way of a result to the page:

* `writing` counts all results and writes the page.
* `totals` counts all rows, and the failures of each reason.
* `choice` selects the rows that the page shows.
* `gallery` decides what the page shows for a picture: the picture, a link, or nothing.
* `originals` reads the picture from a file; `fetching` loads the picture from the network.
* `entry` converts picture and lines to the JSON that the page reads.
* `template` has the HTML before and after the data.
* `report_file` writes the page to a draft, which at the end replaces an earlier report.

The extra `pictures` is needed only if the page itself contains the pictures.
"""
