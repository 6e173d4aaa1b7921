"""When an image goes, with whom, and whether again."""
