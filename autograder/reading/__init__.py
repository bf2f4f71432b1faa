"""What the source of a submission says; nothing is run."""
