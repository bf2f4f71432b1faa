"""/srv/nbgrader/config/nbgrader_config.py, for several courses: what every server reads."""

c = get_config()

c.Exchange.root = "/srv/nbgrader/exchange"
# A student's work lies in COURSE/ASSIGNMENT/; whose courses there are, the hub's groups say.
c.Exchange.path_includes_course = True
c.Authenticator.plugin_class = "nbgrader.auth.JupyterHubAuthPlugin"
