"""What a kernel is told of a cell besides its text, in the metadata of the request to run it."""

from __future__ import annotations

HIDDEN_LINES = "hidden_lines"  # pairs: from which line to which, counted from 1
GRADED_NAMES = "graded_names"  # which to put back before it, which to keep after it
PLAIN_TEST = "plain_test"  # whether what it comes to is asked for: it observes nothing
PLACE = "place"  # its index in the notebook

# In the reply to a plain test, what its last expression gave.
LAST_VALUE = "last_value"
# In every reply: where a cell stands of which something still runs, whether surely, and what it is.
STILL_RUNNING = "still_running"
THREAD, PROCESS, TASK = "a thread", "a process", "a task"
