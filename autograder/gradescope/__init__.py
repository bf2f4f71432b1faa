"""An autograder for Gradescope: what goes into its zip, and what runs there for each submission."""
