"""The student's desk: what one calls in a notebook, and the commands for students."""

from autograder.desk.installation import installation
from autograder.desk.plan import paths, plan
from autograder.desk.progress import progress

__all__ = ["installation", "paths", "plan", "progress"]
