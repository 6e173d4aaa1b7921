"""`aliocr emulate`: the emulator as a server.

The way of a run:

    `command`       declares the options
    `chaos_option`  checks the ones of random faults
    `options`       makes the emulator and its run
    `runner`        starts the emulator, and finishes its requests after a signal
    `banner`        says how to reach it
    `request_log`   prints each request
"""
