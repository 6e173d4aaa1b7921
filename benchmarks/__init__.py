"""What the library promises in figures, measured on real sockets: `python -m benchmarks`."""
