"""Where a student's code runs: a kernel in a sandbox that can reach nothing of the course.

Light to import, so that the fork server starts while the rest of the grader is imported; the
provisioner that asks it for kernels is in `autograder.sandbox.provisioner`.
"""

from autograder.sandbox.bubblewrap import check_place
from autograder.sandbox.limits import Limits
from autograder.sandbox.started_server import KernelServer, kernel_server, replace, use_level

__all__ = [
    "KernelServer",
    "Limits",
    "check_place",
    "kernel_server",
    "replace",
    "use_level",
]
