"""Start a child that dies with this process, and stop it in order.

Linux sends the parent-death signal when the *thread* that forked ends, so `start_child` belongs on the main thread.
The signal is set by a small launcher in the child itself, not by a `preexec_fn`, which is unsafe beside threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
STOP_SECONDS = 20.0
"""mongod flushes its journal within a second or two; a slow disk may need more."""


class ChildError(Exception):
    """A child did not start or did not stop; the message says which and where its log is."""


def start_child(
    command: Sequence[str], log: Path, *, signal_on_death: signal.Signals = signal.SIGTERM
) -> subprocess.Popen[bytes]:
    """Start `command` with its output appended to `log`. It gets `signal_on_death` when this process ends anyhow."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-I", __file__, str(os.getpid()), str(int(signal_on_death)), *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def stop_child(child: subprocess.Popen[bytes], *, seconds: float = STOP_SECONDS) -> None:
    """Ask it to end, wait, and kill it when it does not."""
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _become(parent: int, signal_number: int, command: list[str]) -> None:
    """In the child: die with the parent, check that it still lives, and become the command."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        sys.exit("the parent ended before this child began")
    os.execv(command[0], command)


if __name__ == "__main__":
    _become(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
