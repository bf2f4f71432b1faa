"""Attention to play with, in a page of its own or in a notebook."""
