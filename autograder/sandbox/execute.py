"""Runs a rebuilt notebook in a sandboxed kernel and gathers the evidence of its test cells.

A student's exception, endless loop or dead kernel is an outcome, never an error of the grader.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from autograder.errors import KernelServerError, OutOfTimeError, SandboxUnavailableError
from autograder.sandbox import Limits, kernel_server, replace
from autograder.sandbox.client import LOG, START_SECONDS, Client
from autograder.sandbox.endings import Endings, StillRunning
from autograder.sandbox.execution import Execution
from autograder.sandbox.needs import needs_of
from autograder.sandbox.open_kernel import OpenKernel
from autograder.sandbox.own_loop import OwnLoop
from autograder.sandbox.provisioner import SandboxKernelManager, SandboxProvisioner

MOST_KERNELS = 6  # each goes on without the cells that ended those before it


async def _run(client: Client, stays: bool) -> bool:
    """Start the kernel and run every cell, then end it unless it `stays` and can: then True."""
    await client.start()
    is_left = False
    try:
        await client.run_cells()
        is_left = stays and client.is_sound
    finally:
        if not is_left:
            await client.end()
    return is_left


def execute(
    notebook: NotebookNode,
    *,
    seed: int,
    limits: Limits | None = None,
    handed_in: Mapping[str, bytes] | None = None,
    packages: Mapping[str, bytes] | None = None,
    requests: Mapping[int, Mapping[str, Any]] | None = None,
    is_plain: bool = False,
    stays: bool = False,
) -> Execution:
    """Run `notebook`, whose outputs are replaced, in a kernel of its own.

    The kernel of a run that went well `stays` where that is asked for: then close what is given.

    `handed_in` are the files beside the notebook; `packages` can be imported (the reference run
    gets `solutions`, a submission nothing). Both by their paths. `requests` say with a cell, by its
    index, which names to put back and to keep. Where it `is_plain`, every cell is run from its
    first line to its last among the student's names, as nbgrader does: its tests observe nothing.

    Raises: SandboxUnavailableError, where kernels cannot be isolated; KernelServerError, when the
    fork server ended twice.
    """
    files = {f"handed-in/{name}": content for name, content in (handed_in or {}).items()}
    files |= {f"packages/{name}": content for name, content in (packages or {}).items()}
    server = kernel_server()
    try:
        return _execute(Execution(notebook, requests or {}, is_plain), seed, limits, files, stays)
    except KernelServerError:
        replace(server)
        return _execute(Execution(notebook, requests or {}, is_plain), seed, limits, files, stays)


def _execute(
    run: Execution, seed: int, limits: Limits | None, files: dict[str, bytes], stays: bool
) -> Execution:
    for cell in run.notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    endings = Endings(run.notebook, run.ended)
    for _ in range(MOST_KERNELS):
        started = monotonic()
        end = _in_a_kernel(run, seed, limits or Limits(), files, stays)
        run.seconds += monotonic() - started
        if end is None:
            break
        # What stands on its own is run, in a kernel of its own, by which only its cell is lost.
        endings.add(*end)
        run.problem = None
    if reasons := endings.reasons:
        run.problem = "; ".join(filter(None, [*reasons, run.problem]))
    return run


def _in_a_kernel(
    run: Execution, seed: int, limits: Limits, files: dict[str, bytes], stays: bool
) -> tuple[int, str, Sequence[StillRunning]] | None:
    """Run the cells but for those left out; where, how and beside what the kernel ended."""
    run.problem = None
    needs = needs_of(run.notebook)
    manager = SandboxKernelManager(limits=limits, seed=seed, files=files, needs=needs)
    client = Client(run, limits, manager)
    longest = START_SECONDS + limits.longest_seconds
    end = None
    loop = OwnLoop()  # the formgrader's button grades inside a running one
    try:
        if loop.result_of(asyncio.wait_for(_run(client, stays), longest)):
            run.kernel = OpenKernel(client, loop, limits)
    except CellTimeoutError:
        run.problem = f"it ran out of time and did not stop in {client.current}"
    except (OutOfTimeError, TimeoutError):
        run.problem = (
            f"it ran out of time ({limits.notebook_seconds:g} s) in {client.current or 'starting'}"
        )
    except DeadKernelError:
        run.problem = f"{client.overrun or 'the kernel died'} while running {client.current}"
        end = client.place, run.problem, client.running
    except (SandboxUnavailableError, KernelServerError):
        raise
    except Exception as error:
        LOG.debug("unreadable kernel", exc_info=True)
        run.problem = (
            f"its kernel did not start ({error})"
            if client.current is None
            else "the kernel sent something that cannot be read while running "
            f"{client.current} ({type(error).__name__})"
        )
    finally:
        if run.kernel is None:
            loop.stop()
    provisioner = manager.provisioner
    if run.problem and isinstance(provisioner, SandboxProvisioner) and provisioner.server_gone:
        raise KernelServerError("the fork server ended, and its kernels with it")
    return end
