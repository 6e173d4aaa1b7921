"""Uploads: temporary keys, and an object storage that takes pictures by `PUT`.

The way of an upload:

* `credentials` is the operation UploadCredentials: it hands out one of the `upload_keys`.
* `put_object` handles the request to the storage, in the order that its docstring says.
* `signature` checks the signature, of version 4 or 1.
* `refusal` has the errors of the storage, which are XML.
* `receiving` writes the body to a file and computes its checksums, with `crc64`.
* `objects` keeps the object, and finds it when a scan names its `oss://` URL.
* `script` has the faults that a test can order.
"""
