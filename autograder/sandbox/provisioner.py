"""The sandbox as a kernel provisioner, the extension point of `jupyter_client`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Any as AnyTrait
from traitlets import Dict, Instance, Integer

from autograder.sandbox.bubblewrap import command, free_uid
from autograder.sandbox.limits import Limits


class SandboxProvisioner(LocalProvisioner):
    """Starts the kernel in bubblewrap and speaks to it through sockets in a private folder."""

    limits = Instance(Limits, args=())
    seed = Integer(0)
    handed_in = AnyTrait(None, allow_none=True)
    packages = Dict()

    _folder: Path | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Make the folder for the sockets and wrap the kernel's command."""
        self._folder = Path(tempfile.mkdtemp(prefix="workbook-"))
        manager = self.parent
        assert manager is not None  # jupyter_client makes a provisioner for a manager
        manager.transport = "ipc"
        manager.connection_file = str(self._folder / "kernel.json")
        # Named before the kernel runs; a file of that name is what the client connects to.
        manager.ip = str(self._folder / "socket")
        kwargs = await super().pre_launch(**kwargs)
        uid = free_uid() if os.geteuid() == 0 else None
        if uid is not None:
            for path in (self._folder, *self._folder.iterdir()):
                os.chown(path, uid, uid)
        kwargs["cmd"] = command(
            kwargs["cmd"],
            limits=self.limits,
            seed=self.seed,
            shared=self._folder,
            handed_in=self.handed_in,
            packages=self.packages,
            uid=uid,
        )
        kwargs["cwd"] = "/"
        # What the kernel process itself prints is not output of a cell, and may be a flood.
        kwargs["stdin"] = kwargs["stdout"] = kwargs["stderr"] = subprocess.DEVNULL
        kwargs["env"] = {"PATH": os.environ.get("PATH", os.defpath)}
        return kwargs

    async def cleanup(self, restart: bool = False) -> None:
        """Remove the folder for the sockets."""
        await super().cleanup(restart=restart)
        if self._folder is not None and not restart:
            shutil.rmtree(self._folder, ignore_errors=True)


class SandboxKernelManager(AsyncKernelManager):
    """A kernel manager whose kernels all start in the sandbox, whatever a notebook asks for."""

    limits = Instance(Limits, args=())
    seed = Integer(0)
    handed_in = AnyTrait(None, allow_none=True)
    packages = Dict()

    @property
    def kernel_spec(self) -> KernelSpec:
        """The one kernel there is."""
        limited = [self.limits.memory_bytes, self.limits.processes, self.limits.file_bytes]
        return KernelSpec(
            argv=[
                sys.executable,
                "-m",
                "autograder.observe._kernel",
                *(str(limit) for limit in limited),
                "{connection_file}",
            ],
            display_name="Python in a sandbox",
            language="python",
            interrupt_mode="message",
            metadata={
                "kernel_provisioner": {
                    "provisioner_name": "workbook-sandbox",
                    "config": {
                        "limits": self.limits,
                        "seed": self.seed,
                        "handed_in": self.handed_in,
                        "packages": self.packages,
                    },
                }
            },
        )
