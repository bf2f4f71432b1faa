"""/srv/nbgrader/config/nbgrader_config.py, for one course: what every server reads."""

c = get_config()

c.CourseDirectory.course_id = "transformer-workbook"
c.Exchange.root = "/srv/nbgrader/exchange"
