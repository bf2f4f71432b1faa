"""What a student handed in, poured into a fresh notebook."""
