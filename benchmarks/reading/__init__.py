"""Benchmark of the reading order, on pages whose reading order is known."""
