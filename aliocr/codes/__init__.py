"""What the codes of the service mean here, and what to do about each.

The way of a code, from an error or the command line to a person:

    `lookup`       finds the words for a code, the most specific first
    `in_body`      has the words for codes in a reply: of the envelope, and of an image
    `gateway`      has the words for codes of the gateway, and of what is before the gateway
    `explanation`  is the form of the words: name, cause, action
"""
