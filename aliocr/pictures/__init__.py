"""The way of a picture: from bytes to frames, and from frames to a drawing or a browser.

Engine, drawing and pages get the same pixels, so that boxes fit everywhere. Needs `pictures`.

To be read:
* `size_limits` refuses a picture that has too much of something, before it is decoded.
* `picture` decodes it into frames: upright, opaque, RGB.
* `frames` says which frames are read, by arithmetic alone.

To be drawn:
* `drawing` is the verb `aliocr.draw`.
* `artist` draws one page after the other.
* `sheet_plan` computes the place of everything on a page, and `sheet` paints it.
* `panel` sets the texts beside the picture in rows and columns.
* `tags` draws the numbers of the boxes.
* `fonts` finds a font for each character.
* `drawn` holds the result.

To be shown in a browser:
* `portrait` encodes the frames for a page.
* `html_parts` has the style and the script that both HTML pages share.
"""
