"""JupyterHub for one course with one grader, where everybody has an account on the machine."""

from jupyterhub.spawner import Spawner

from workbook.start import environment

c = get_config()

GRADERS = {"ines"}

# Each server runs as its user's own account: nobody reads what another one writes.
c.JupyterHub.spawner_class = "localprocess"
# Whoever has an account may log in.
c.Authenticator.allow_all = True


def settings(spawner: Spawner) -> None:
    """All servers read /srv/nbgrader/config; a student's has no Formgrader besides."""
    shared = {"JUPYTER_CONFIG_PATH": "/srv/nbgrader/config"}
    spawner.environment.update(shared if spawner.user.name in GRADERS else environment(shared))


c.Spawner.pre_spawn_hook = settings
# Without a login shell, which would forget where the commands are, terminals know `workbook`.
c.Spawner.args = ['--ServerApp.terminado_settings={"shell_command": ["bash"]}']
