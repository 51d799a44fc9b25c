"""What this process has started goes when it goes, even when nobody gives it the time to see to that: a shell beside it waits at a pipe."""

from __future__ import annotations

import contextlib
import subprocess

END = 'kill -s TERM -- "-$1" && sleep 10 && kill -s KILL -- "-$1"'
"""Ends a process group, politely first."""


class Guard:
    """Has a shell run a deed, with words as `$1` and so on, once this process is gone or says so by `release`; never after `dismiss`."""

    def __init__(self, deed: str, *words: str) -> None:
        self._shell = subprocess.Popen(
            ["sh", "-c", f"read -r end; {deed}", "guard", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def release(self, patience: float) -> None:
        """Have the deed done now, and wait for it at most so many seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._shell.communicate(timeout=patience)

    def dismiss(self) -> None:
        """There is nothing left to do."""
        self._shell.kill()
        self._shell.communicate()


def over(process: subprocess.Popen[bytes]) -> Guard:
    """A guard that ends a process that leads a session of its own, and those that it started."""
    return Guard(END, str(process.pid))
