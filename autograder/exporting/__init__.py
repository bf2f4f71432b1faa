"""Scores on their way out: tables of our own, and files of other systems filled in."""
