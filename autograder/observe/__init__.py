"""What runs inside the student's kernel: it records what came out and holds no expected value.

Imports nothing of the rest of the autograder, so that nothing of it need be in the sandbox.
"""

from ._inputs import gradients, randint, randn, randomise
from ._made import devices_met, tensors_made
from ._memory import least_memory, memory_at_most, memory_taken
from ._named import asked_for, parameters_of
from ._observation import collecting, observe
from ._rules import at_most, close, exactly

__all__ = [
    "asked_for",
    "at_most",
    "close",
    "collecting",
    "devices_met",
    "exactly",
    "gradients",
    "least_memory",
    "memory_at_most",
    "memory_taken",
    "observe",
    "parameters_of",
    "randint",
    "randn",
    "randomise",
    "tensors_made",
]
