"""Damaged files of every kind that musiclab reads: they are read or refused, and nothing else happens.

`seeds` makes good files, `mutants` damages them, `targets` reads them, `worker` does so in a process with limits, and
`campaign` watches it. By hand: ``python -m tests.fuzz --mutants 10000``. What is found goes to ``tests/fuzz/found``,
and every run begins with it.
"""
