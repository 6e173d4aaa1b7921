"""Images of the emulated service: downloaded, decoded, read."""
