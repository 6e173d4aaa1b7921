"""Pictures as they are read and shown: decoded, upright, opaque, in frames. Needs `pictures`.

Whoever reads, draws or shows a picture does it on the same pixels, so that boxes fit everywhere.
"""
