"""Imported first, it spares a process of ours the longest part of importing nbformat."""

import sys

# jsonschema tries to import it and goes on without; building its grammar of web addresses, of
# which a notebook's schema has none, takes longer than all the rest of the start.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
