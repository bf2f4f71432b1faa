"""Evidence against evidence: checks, points, and what explains a failure."""
