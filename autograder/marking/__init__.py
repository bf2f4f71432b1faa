"""Marking written answers: one page a question, saved where nbgrader looks for marks."""
