"""Where a student's code runs: a kernel in bubblewrap that can reach nothing of the course."""

from autograder.sandbox.bubblewrap import SandboxUnavailable, check_sandbox
from autograder.sandbox.limits import Limits
from autograder.sandbox.provisioner import SandboxKernelManager, SandboxProvisioner

__all__ = [
    "Limits",
    "SandboxKernelManager",
    "SandboxProvisioner",
    "SandboxUnavailable",
    "check_sandbox",
]
