"""Reading of images in the emulated service.

The way of an image through reading:

- `service` checks a task. It answers from a script, or waits until the image is read.
- `recognition` calls the downloader and the reader. This module is imported only if the emulator
  has an engine.
- `download` fetches the bytes, within the time and size limits of the service.
- `raw_url` keeps path and query of the URL as given.
- `resolver` looks up the name of the host.
- `addresses` refuses unsafe addresses.
- `unpacking` decodes a gzip or deflate body.
- `reader` decodes the picture and recognizes its frames on worker threads.
- `recognized` combines the results of all frames into the content of the image.
- `whole` reads a long picture as one picture, if the emulator is told to; `pieces` divides it where
  there is no ink, `seams` finds what a cut has touched, and `stack` has it read again.
- `stitch` joins lines that are cut in two by the frames of a wide picture.
- `frame_files` gives frames their fields, with an address at which the frame is for some minutes.

`recognition` returns the content to `service`, which makes the answer of the task.
"""
