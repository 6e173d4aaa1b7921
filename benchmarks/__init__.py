"""Benchmarks of the library over real sockets; run them with `python -m benchmarks`.

A row is one measurement of the result table. A peer is a client that reads images; aliocr is one.
"""
