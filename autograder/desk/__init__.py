"""The student's desk: what one calls in a notebook, and the commands for students."""

from autograder.desk.check import check
from autograder.desk.hints import hint

__all__ = ["check", "hint"]
