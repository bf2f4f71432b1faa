"""The page that a student gets: what happened, why, and where to read on; never a hidden test.

`exporter` makes a page of a graded notebook, also behind nbgrader's `generate_feedback`;
`written` lets nbgrader write the pages of a class.
"""
