"""The student's desk: what one calls in a notebook, and the commands for students."""
