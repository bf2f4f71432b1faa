"""What other systems hand over: submissions as a zip, and who is in the class."""
