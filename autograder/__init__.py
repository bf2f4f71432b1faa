"""The autograder of Transformer Workbook: it observes, judges and records."""

__version__ = "0.1.0"
