"""The protocol: encodes a batch of images for the service, and reads the reply.

The way of a request:

    `sender`     has the credentials ready before the permit, then sends one batch
    `wire`       images → JSON body, and the classes of the reply; the only place for wire names
    `async_wire` the same for scanning later, and the requests for results
    `signing`    body and credentials → signed headers
    `oss_signing`  the same for an upload to object storage
    `upload_credentials`  the JSON of the temporary key for uploads
    `transport`  one POST under one deadline, on the route to the service
    `network_errors`  converts aiohttp's errors to the package's errors
    `deadline`   a time limit that does not throw away an answer that has come
    `body`       collects the body of the response, unpacked and within a limit
    `replies`    body → one scan or error for each image, part by part
    `envelope`   opens the reply: elements that are not read yet, or the refusal of the request
    `salvage`    reads what can be read of a body that is damaged or cut
    `matching`   finds the image that an element is about
    `lenient`    reads fields that are not exactly as documented
    `callback_digest`  the checksum of a result that the service pushes
"""
