"""JupyterHub for several courses, each with one grader or several.

A course belongs to an account that no person logs in to; its graders work in that account's server.
"""

from jupyterhub.spawner import Spawner

from workbook.start import environment

c = get_config()

COURSES = {
    "transformer-workbook": {"graders": ["ines", "omar"], "students": ["ada"]},
    "algebra": {"graders": ["omar"], "students": ["ada", "bo"]},
}
ACCOUNTS = {course: f"grader-{course}" for course in COURSES}

c.JupyterHub.spawner_class = "localprocess"
c.Authenticator.allow_all = True

c.JupyterHub.load_groups = {}
c.JupyterHub.load_roles = []
for course, people in COURSES.items():
    account = ACCOUNTS[course]
    # nbgrader knows the groups by these names.
    graders, students = f"formgrade-{course}", f"nbgrader-{course}"
    c.JupyterHub.load_groups[graders] = {"users": [account, *people["graders"]]}
    c.JupyterHub.load_groups[students] = {"users": people["students"]}
    c.JupyterHub.load_roles.append(
        {
            "name": f"graders-{course}",
            "groups": [graders],
            "scopes": [
                f"servers!user={account}",  # start and stop it
                f"access:servers!user={account}",
                f"groups!group={students}",  # nbgrader adds students to it
            ],
        }
    )

# What a server may ask the hub: nbgrader asks which courses its user has. Of `groups` it gets what
# its user has, so that only graders' servers change a group, and only their own course's.
c.Spawner.server_token_scopes = [
    "users:activity!user",
    "access:servers!server",
    "read:users:groups!user",
    "groups",
]


def settings(spawner: Spawner) -> None:
    """All servers read /srv/nbgrader/config; only those of the accounts have a Formgrader."""
    shared = {"JUPYTER_CONFIG_PATH": "/srv/nbgrader/config"}
    is_account = spawner.user.name in ACCOUNTS.values()
    spawner.environment.update(shared if is_account else environment(shared))


c.Spawner.pre_spawn_hook = settings
# Without a login shell, which would forget where the commands are, terminals know `workbook`.
c.Spawner.args = ['--ServerApp.terminado_settings={"shell_command": ["bash"]}']
