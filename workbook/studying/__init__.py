"""What is done, what comes next, and whether everything is installed."""
