"""Submissions to try the grader on."""
