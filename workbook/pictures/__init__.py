"""Pictures of the student's own numbers."""
