"""`aliocr run`: a job on the command line.

The way of a job:

    `command`        declares the options
    `options`        checks them, and makes the job and its run
    `plan_text`      prints what a dry run would do
    `runner`         runs the job, and returns the exit code
    `local_sources`  makes images of files, if this machine reads
    `display`        shows progress in a thread
    `progress_text`  puts it into lines
    `recent_rate`    computes the rate and the time left
    `humanize`       rounds both for people
    `summary_text`   says at the end what was read, what failed, and what to do
    `wrapping`       fills its text to the width of the terminal
"""
