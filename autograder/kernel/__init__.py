"""What runs inside the sandbox: a fork server, and the kernels that it forks and seals.

Imports nothing else of `autograder` but `observe`, which is the other part that is visible there.
"""
