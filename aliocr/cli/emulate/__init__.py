"""The command `aliocr emulate`: the emulator as a server.

The way of a run:

    `command`       declares the options
    `chaos_option`  checks the options of random faults
    `options`       makes the emulator and its run from the options
    `runner`        starts the emulator; after a signal, finishes the requests in flight
    `banner`        tells the user the address and the AccessKey of the emulator
    `request_log`   prints each request
"""
