"""The emulator over HTTP: a web server for the service's API and for the emulator's own pages.

The way of a request:

* `server`: accepts the connection, and closes idle ones.
* `malformed`: hardens aiohttp's parser, so that malformed requests are answered too.
* `same_origin`: refuses cross-site requests for the emulator's own paths, `/_emulator/`.
* `endpoint`: handles a request of the service's API, from `body` to reply.
* `body`: reads the whole body within a time limit.
* `reply_writer`: encodes the reply in slices, as JSON or by `xml`.
* `xml`: converts the JSON of a reply to XML.
* `log_line`: describes the request that is done, for the log.

The emulator's own paths:

* `page`: the landing page, `page.html`.
* `page_read`: reads the pictures that the page sends.
* `control`: the control API, for tests in any language.

Beside them, `loop_thread` runs the server in a thread, for tests and clients that block.
"""
