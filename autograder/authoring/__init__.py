"""What an author has: a notebook begun, tried in seconds, and proved, without a sandbox."""
