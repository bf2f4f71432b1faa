"""The course: read by nbgrader's commands, the formgrader and `workbook` alike."""

from pathlib import Path

c = get_config()  # type: ignore[name-defined]  # noqa: F821  (nbgrader defines it)

c.CourseDirectory.course_id = "transformer-workbook"

# In the address of a database these two characters of a path would mean something else.
GRADEBOOK = Path(__file__).resolve().with_name("gradebook.db")
if {"%", "?"}.intersection(str(GRADEBOOK)):
    from sqlalchemy import URL

    c.CourseDirectory.db_url = str(URL.create("sqlite", database=str(GRADEBOOK)))

# The sandbox and the judge behind nbgrader's own commands and buttons.
c.Autograde.exporter_class = "autograder.nbgrader_plugin.SubmissionExporter"
c.Autograde.sanitize_preprocessors = ["autograder.nbgrader_plugin.Rebuild"]
c.Autograde.autograde_preprocessors = [
    "autograder.nbgrader_plugin.ExecuteAndJudge",
    "autograder.nbgrader_plugin.SaveGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
]
# A page of our own: verdicts and what explains them, never a hidden test.
c.GenerateFeedback.exporter_class = "autograder.nbgrader_plugin.FeedbackExporter"
c.GenerateFeedback.preprocessors = [
    "nbgrader.preprocessors.GetGrades",
    "autograder.nbgrader_plugin.WithoutHiddenTests",
]
# Points to the cent, and names that may hold a comma.
c.ExportApp.plugin_class = "autograder.nbgrader_plugin.CsvExport"
# Nothing that a student wrote runs in the browser of the one who reads it.
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.filters = {
    "clean_html": "autograder.nbgrader_plugin.clean_html",
    # The formgrader's own page does not clean a written answer.
    "markdown2html": "autograder.nbgrader_plugin.rendered",
}

c.ClearSolutions.code_stub = {
    "python": (
        "# Your code here, in place of the next line.\n"
        'raise NotImplementedError("this step is still to do: write it where this line stands")'
    )
}
c.ClearSolutions.text_stub = "*Your answer here, in place of this line.*"
# The rubric of a written question stands below the question, in a cell of its own.
c.ClearMarkScheme.enforce_metadata = False
