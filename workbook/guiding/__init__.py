"""The guide: where it lies, who shows it, and what of it belongs to a notebook."""
