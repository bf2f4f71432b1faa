"""What a class understood: figures of what was graded, for those who teach."""
