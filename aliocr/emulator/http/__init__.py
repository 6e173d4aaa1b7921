"""The emulator over HTTP: a web server for the service's API and for the emulator's own pages.

The way of a request:

* `server`: accepts the connection, and closes idle connections.
* `malformed`: hardens aiohttp's parser, so that malformed requests also get an answer.
* `same_origin`: refuses cross-site requests for the emulator's own paths, `/_emulator/`.
* `endpoint`: handles a request of the service's API, from the body to the reply. A request that
  passes the gateway is a `visit` to its operation, such as `image_scan`.
* `in_flight`: has the requests in flight, which are cancelled when the emulator stops.
* `body`: reads the whole body within a time limit.
* `reply_writer`: encodes the reply in slices, as JSON or by `xml`.
* `xml`: converts the JSON of a reply to XML.
* `log_line`: describes the finished request in the log.

The emulator's own paths:

* `page`: the landing page, `page.html`.
* `page_read`: reads the pictures that the page sends.
* `frame_sender`: sends a frame that has an address in a reply.
* `control`: the control API, for tests in any language.

Also, `serving` starts and stops the server, and `loop_thread` runs it in a thread, for tests and
clients that block.
"""
