"""Benchmark of the reading order, with pages whose reading order is known."""
