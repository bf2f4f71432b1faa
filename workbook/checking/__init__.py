"""The self-check of a whole notebook, by nbval over a fresh copy."""
