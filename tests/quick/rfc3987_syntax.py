"""In place of the library, for nbgrader's and Jupyter's processes that the tests start.

jsonschema goes on without it, as `workbook.checking.quick_start` has it for our own.
"""

raise ImportError("the grammar of web addresses takes seconds of every start")
