"""The command `aliocr run`: a job on the command line.

The way of a job:

    `command`        declares the options
    `options`        checks the options, and makes the job and its run
    `allowance`      is the number of rows that may fail
    `plan_text`      makes the text of a dry run, which says what a real run would do
    `runner`         runs the job, and returns the exit code
    `relay`          copies the results to standard output, if they go there
    `local_sources`  makes images of picture files, if this machine reads them
    `display`        shows the progress in a thread
    `progress_text`  makes the lines of the progress
    `recent_rate`    computes the rate and the time left
    `humanize`       rounds the rate and the time left for people
    `summary_text`   makes the text at the end: results, failures, and what to do
    `summary_json`   writes the same for programs
    `wrapping`       wraps text at the width of the terminal
"""
