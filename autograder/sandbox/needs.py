"""What the fork server makes ready for a notebook's kernels, once for all of them."""

from __future__ import annotations

from nbformat import NotebookNode

from autograder.course.assignment import noted
from autograder.kernel.request import Needs

# Where torch asks its compiler, which takes almost as long to import as all the rest.
_ASKING = ("devices_met", "tensors_made", "DispatchMode", "torch.compile")


def needs_of(notebook: NotebookNode) -> Needs:
    """What a notebook's cells ask for, its hidden tests among them."""
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    has_compiler = any(word in source for source in sources for word in _ASKING)
    return Needs(noted(notebook), has_compiler)
