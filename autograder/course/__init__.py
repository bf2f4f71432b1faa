"""What the instructor wrote: assignments, catalogues, public examples, the course folder."""
