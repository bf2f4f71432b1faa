"""An interrupt that Python swallows is not lost."""

from __future__ import annotations

import signal

import pytest

from autograder.grading.interrupts import interrupts


class Finalised:
    """Gets Ctrl-C while it is cleaned up."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_that_comes_in_a_finaliser_is_raised_when_asked() -> None:
    """There it is printed and forgotten."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with interrupts() as stop_if_asked:
            stop_if_asked()
            one = Finalised()
            del one
            with pytest.raises(KeyboardInterrupt):
                stop_if_asked()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_what_ignores_it_goes_on_ignoring_it() -> None:
    """As what a script has started in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
