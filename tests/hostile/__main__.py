"""Writes the table of hostile submissions."""

from tests.hostile import README, table

README.write_text(table())
