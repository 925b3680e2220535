"""The errors that people read. One flat family, each a sentence that says what happened and what to do next.

Anything that is not a `Problem` is a defect of foretype's own.
"""

from __future__ import annotations


class Problem(Exception):
    """Something that the user can understand and mend; the message is shown as it is.

    Attributes:
        exit_code: what the command line exits with.
    """

    exit_code = 1


class ModelProblem(Problem):
    """A model is missing, damaged, unknown, or too large for this machine."""

    exit_code = 3


def reason(error: BaseException) -> str:
    """What made an error happen, for a sentence: what the innermost cause says, in one line.

    Libraries wrap the system's few words into advice of many lines for developers.
    """
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split()) or type(error).__name__


class DaemonProblem(Problem):
    """The daemon cannot be reached, started or trusted."""
