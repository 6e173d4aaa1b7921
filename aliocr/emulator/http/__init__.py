"""The emulator on a socket: requests, pages, control, replies."""
