"""Reading of images for the emulated service.

The way of an image through reading:

- `service` checks a task and answers it from a script, or has its image read before the deadline.
- `recognition` has an image downloaded and read; it is imported only if there is an engine.
- `download` fetches the bytes, within the service's time and size limits.
- `raw_url` keeps path and query of the URL as given.
- `resolver` looks up the host's name.
- `addresses` refuses addresses that are not public.
- `unpacking` decodes a gzip or deflate body.
- `reader` decodes the picture and has its frames recognized on worker threads.
- `recognized` turns the results of all frames into the image's content.
- `stitch` joins lines that the frames of a wide picture cut in two.

The content returns by `recognition` to `service`, which makes the answer of the task.
"""
