"""Tests of the tests: which wrong versions of the reference each observation catches, and alone.

`python -m tests.mutation [NAME...]` makes every mutant of `solutions/` that cosmic-ray knows, adds
the tables of wrong versions, judges each, and writes the report `docs/mutation.md`.
"""
