"""Whole jobs, without a screen: one call each, the same for a person, a terminal and an agent.

Each takes a song as a path, as `Audio`, or as `Stems` that are there already; `progress` and `cancel` as `separate`
does; and returns one frozen object (a `Result`) that plays in a notebook, tells its numbers (`as_dict`) and writes its
files (`save`). What is wrong with the request is said before the long work; what was costly comes from the store the
second time.
"""
