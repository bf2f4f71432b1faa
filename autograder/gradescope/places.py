"""Where Gradescope puts what, and where it looks for the results."""

from __future__ import annotations

from pathlib import Path

TOP = Path("/autograder")
SOURCE = TOP / "source"
COURSE = SOURCE / "course"
SUBMISSION = TOP / "submission"
RESULTS = TOP / "results" / "results.json"
# What no code of a student may read.
OUT_OF_REACH = (SOURCE, TOP / "results", SUBMISSION, TOP / "submission_metadata.json")
SETTINGS = "settings.json"
