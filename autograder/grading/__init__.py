"""The grading of one submission, and of many."""
