"""Measures `workbook grade` against stock `nbgrader autograde`: `python -m benchmarks`."""
