"""Learnt rates: simulated in virtual time, and measured with real sockets.

`model` has a service and its clients, which use the real learnt rates; `cases` has the lines of the
table, each with its target; `live` has the same faults with sessions and the benchmark's server.
"""
