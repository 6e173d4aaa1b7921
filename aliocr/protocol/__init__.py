"""The protocol: how a batch of images is said to the service, and how its reply is read.

The way of a request:

    `sender`     gets the credentials, before the permit; then sends one batch
    `wire`       images → JSON body, and the classes of the reply; the only place for wire names
    `signing`    body and credentials → signed headers
    `transport`  one POST under one deadline; aiohttp's errors become the package's
    `replies`    body → one scan or error for each image, part by part
    `lenient`    reads what is not quite as documented, field by field
"""
