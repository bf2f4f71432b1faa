"""Fresh cells and notebooks, and mending what happened to them."""
