"""Benchmarks of the library on real sockets: `python -m benchmarks`."""
