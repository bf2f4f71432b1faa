"""The one writer into nbgrader's gradebook."""
