"""Errors that a user can act on: one line that names the place, what was expected and what was found."""

import signal
import sys


class EtalonError(Exception):
    """Base of every error that is shown to a user as one line and a non-zero exit."""


class BadInputError(EtalonError):
    """A file, field or setting does not hold what it should.

    Parameters
    ----------
    where : the file, dataset or configuration that was read
    field : the column, key or array inside it
    expected, found : what should stand there and what does
    """

    def __init__(self, where: object, field: str, expected: str, found: object):
        # Names and what was found may be pieces of a file, line breaks and all; the message stays one line.
        self.where, self.field, self.expected, self.found = str(where), field, expected, " ".join(str(found).split())
        text = f"{self.where}: {field}: expected {expected}, found {self.found}"
        super().__init__(" ".join(text.splitlines()))

    def __reduce__(self) -> tuple:  # an error of a worker process reaches its parent by being pickled
        return type(self), (self.where, self.field, self.expected, self.found)


class NotRunError(EtalonError):
    """Something cannot run here for a stated reason; tables show it as ``not run: reason``."""

    def __init__(self, reason: str):
        self.reason = reason
        super().__init__(f"not run: {reason}")

    def __reduce__(self) -> tuple:
        return type(self), (self.reason,)


def unwind_when_terminated() -> None:
    """Have SIGTERM end this process as an error does, so that a cancelled job removes what it has begun to write."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
