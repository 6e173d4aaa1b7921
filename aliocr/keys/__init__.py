"""The keys: finds the credentials that sign, and keeps them while they work.

The way of a key:

    `source`  what the caller gave becomes credentials, or a provider of them
    `chain`   asks the vendor's sources in order, and stays with the first that answers
    `vendor`  calls a blocking provider of the vendor off the event loop, and renews in time
    `kept`    the provider is asked before each request; its last credentials are kept
"""
