"""Follows one sentence through attention: the student's functions beside torch's own."""
