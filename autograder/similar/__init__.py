"""For staff: which submissions have more in common than the exercise explains."""
