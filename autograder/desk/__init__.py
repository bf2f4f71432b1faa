"""The student's desk: what one calls in a notebook, and the commands for students."""

from autograder.desk.check import check
from autograder.desk.hints import hint
from autograder.desk.installation import installation
from autograder.desk.plan import paths, plan
from autograder.desk.progress import progress

__all__ = ["check", "hint", "installation", "paths", "plan", "progress"]
