"""The way of a picture: from bytes to frames, and from frames to a drawing or an HTML page.

The OCR engine, the drawing and the HTML pages get the same pixels, so that the boxes that the
engine finds fit the picture everywhere. This package needs the extra `pictures`.

Decode a picture:
* `size_limits` refuses a picture that is too large or too slow to decode.
* `opening` opens the file, and lets the decoder make a very large picture smaller.
* `header` reads the size and the resolution from the header of the file alone.
* `upright` makes pixels upright, opaque and RGB.
* `picture` decodes a picture into such frames.
* `frames` computes which frames are read; it does not need the pixels.

Draw a picture with its boxes:
* `drawing` has the public function `aliocr.draw`.
* `artist` draws all pages of a drawing and stacks them.
* `sheet_plan` computes the layout of one page, and `sheet` paints the page.
* `panel` arranges the texts beside the picture in rows and columns.
* `tags` draws the numbers of the boxes.
* `fonts` finds a font for each character.
* `drawn` has the result type of `aliocr.draw`.

Show a picture in a browser:
* `portrait` encodes the frames for an HTML page.
* `html_parts` loads the style and the script that the report and the emulator's page share.
"""
