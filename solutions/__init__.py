"""The reference package: one module per assignment, written to be read by someone learning."""
