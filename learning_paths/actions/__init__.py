"""
Every change of state, one function for each. Nothing else creates or switches an enrollment. See ADR 0002.

What is to happen after the commit is given to ``transaction.on_commit`` as a lambda, never as a ``functools.partial``:
Django logs the fault of a robust callback by its ``__qualname__``, which a partial has not, and would raise after all.
"""
