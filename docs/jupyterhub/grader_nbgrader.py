"""~/.jupyter/nbgrader_config.py of whoever grades: where the course lies."""

from pathlib import Path

c = get_config()

c.CourseDirectory.root = str(Path.home() / "course")
