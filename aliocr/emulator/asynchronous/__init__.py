"""Asynchronous scanning: images are submitted, read later, and asked for or pushed.

The way of an image:

* `submission` accepts it, and its reply has a task id.
* `later` reads it in the background, under the quota of its account, without a deadline.
* `tasks` keeps its answer for an hour, by a `clock` that a test can set forward.
* `results` replies to those who ask for it.
* `push` sends it to the address that was submitted with it, again and again until it arrives.

`habits` has what the documents leave open, or what real replies do in several ways; the
instructions of `script` change it.
"""
