"""What the guide's pages are made with."""
