"""CPU seconds and memory of a server's whole process tree, and the cores that each side may use."""

from __future__ import annotations

from dataclasses import dataclass

import psutil

SERVER_CORE = 0
CLIENT_CORE = 1


@dataclass(frozen=True, slots=True)
class Usage:
    cpu_seconds: float
    """User and system time since the processes started."""
    rss_bytes: int


def tree(pid: int) -> list[psutil.Process]:
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def pin(pid: int, core: int) -> None:
    """Keep a process tree, all its threads included, on one core."""
    for process in tree(pid):
        for thread in process.threads():
            psutil.Process(thread.id).cpu_affinity([core])


def usage(pid: int, *, only: str | None = None) -> Usage:
    """What a process tree has used; `only` counts the root process alone when it is `root`."""
    processes = [psutil.Process(pid)] if only == "root" else tree(pid)
    cpu = 0.0
    rss = 0
    for process in processes:
        times = process.cpu_times()
        cpu += times.user + times.system
        rss += process.memory_info().rss
    return Usage(cpu, rss)
