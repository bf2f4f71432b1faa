"""For staff: one check of one submission, with its inputs, what was expected and what came."""
