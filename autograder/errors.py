"""The exceptions of the workbook; each message is for the person who reads it.

WorkbookError
├── CourseError                 the course folder is not as it should be
│   ├── BrokenReferenceError    its reference gives no usable evidence
│   └── CellsChangedError       an assignment's cells are others than those of its submissions
├── SandboxUnavailableError     this machine cannot isolate submissions
├── KernelServerError           the server of sealed kernels, or one of them, ended early
├── UnreadableError             a file that cannot be graded
├── MalformedEvidenceError      bytes that no observation writes (a ValueError, too)
├── OutOfTimeError              a notebook took longer than it may
├── WorkersKilledError          a task ended the worker that it ran in, twice
├── InterruptedRunError         the user stopped a grading run
├── KernelEndedError            the kernel of a self-check is gone
├── MarkRefusedError            points or a comment that are not written
│   └── ChangedMeanwhileError   what they are for is not what was shown any more
└── DeskError                   something that the student can mend
"""

from __future__ import annotations


def printable(text: str) -> str:
    """A text that may come out of a student's file, without what a terminal or a page obeys."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


class WorkbookError(Exception):
    """What all of these are."""


class CourseError(WorkbookError):
    """The course folder is not as it should be; the message says what to do."""


class BrokenReferenceError(CourseError):
    """The reference run itself gave no usable evidence; the course is at fault, not a student."""


class CellsChangedError(CourseError):
    """Cells of an assignment came or went after work was handed in; the message says which."""


class SandboxUnavailableError(WorkbookError):
    """This machine cannot isolate submissions; the message says what to do.

    `why` is the reason alone.
    """

    def __init__(self, message: str, why: str = "") -> None:
        super().__init__(message)
        self.why = why or message


class KernelServerError(WorkbookError):
    """The fork server, or a kernel that it started, ended early; the submission is not at fault."""


class UnreadableError(WorkbookError):
    """A file that cannot be graded; the message says why, for the person who looks at it."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))  # it repeats names and words of the file


class MalformedEvidenceError(WorkbookError, ValueError):
    """The bytes are not a record that `observe` writes."""


class OutOfTimeError(WorkbookError):
    """The notebook as a whole took longer than it may."""


class WorkersKilledError(WorkbookError):
    """The worker of a task died, and so did the one that had nothing else to do."""


class InterruptedRunError(WorkbookError):
    """The user stopped the run; the message says what is done."""


class KernelEndedError(WorkbookError):
    """The kernel is gone, and no answer will come."""


class DeskError(WorkbookError):
    """Something that the student can mend; the message says how."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it: IPython asks for this. Where it arose helps no student."""
        return [str(self)]


class MarkRefusedError(WorkbookError):
    """Points or a comment that are not written; the message says why, for the one who marks."""


class ChangedMeanwhileError(MarkRefusedError):
    """What there is of an answer is not what was shown; `now` is it, if that may be replaced."""

    def __init__(self, message: str, now: object = None) -> None:
        super().__init__(message)
        self.now = now
