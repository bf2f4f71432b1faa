"""How a folder of released notebooks is laid out, and the variable that names one."""

MATERIAL = "WORKBOOK_RELEASE"  # the variable that names another folder of released notebooks
COURSES = "workbook.release"  # entry points of wheels that bring the release of a course
START = "00-start-here.ipynb"
ANSWERS = "desk"  # one file for each notebook, written by `workbook release`
INLINE = "module://matplotlib_inline.backend_inline"  # how pictures are drawn, as in JupyterLab
