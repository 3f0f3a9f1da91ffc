"""What is measured, and who measures: each a process of its own on the core that it was given."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from bench.cpu import CLIENT_CORE, SERVER_CORE, Usage, pin, usage
from bench.peers.servers import PEERS
from config.clock import SystemClock
from tests.support.hub_process import HubProcess, hub_process
from web.auth.sessions import signing_secret
from web.realtime.viewers import ViewerTokens

RULES = {"anonymous_may": ["watch", "like", "comment", "vote"], "moderation": "post"}


class Talking:
    """A process that reads orders on stdin."""

    def __init__(self, command: list[str], core: int, **options: Any) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, **options
        )
        pin(self.process.pid, core)

    def send(self, **order: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")

    def line(self) -> str:
        assert self.process.stdout is not None
        return str(self.process.stdout.readline())

    def end(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Crowd(Talking):
    """A load generator (`bench.room.clients`)."""

    def __init__(self) -> None:
        super().__init__([sys.executable, "-m", "bench.room.clients"], CLIENT_CORE)

    def ask(self, do: str, **order: Any) -> dict[str, Any]:
        self.send(do=do, **order)
        answer: dict[str, Any] = json.loads(self.line())
        if "error" in answer:
            raise RuntimeError(f"{do}: {answer['error']}")
        return answer


@contextmanager
def crowd() -> Iterator[Crowd]:
    one = Crowd()
    try:
        yield one
    finally:
        one.end()


@dataclass(slots=True)
class Room:
    """One room to connect to."""

    name: str
    pid: int
    port: int
    tokens: Iterator[str]
    orders: Talking | None = None
    hub: HubProcess | None = None
    event: dict[str, Any] = field(default_factory=dict)

    def take(self, count: int) -> list[str]:
        return list(itertools.islice(self.tokens, count))

    def usage(self) -> Usage:
        """Of the server's own process."""
        return usage(self.pid, only="root")


@contextmanager
def node_room() -> Iterator[Room]:
    server = Talking(["node", str(PEERS / "room.mjs")], SERVER_CORE, cwd=PEERS)
    try:
        port = int(server.line())
        pin(server.process.pid, SERVER_CORE)
        yield Room("node socket.io", server.process.pid, port, itertools.repeat("x" * 200), server)
    finally:
        server.end()


@contextmanager
def layer_room() -> Iterator[Room]:
    server = Talking([sys.executable, "-m", "bench.room.layer"], SERVER_CORE)
    try:
        yield Room("venuecast", server.process.pid, int(server.line()), itertools.repeat("x" * 200), server)
    finally:
        server.end()


@contextmanager
def hub_room(directory: Path, **environment: str) -> Iterator[Room]:
    """A hub with a live event: the hub's own process on the server core, its mongod and redis on the other."""
    with hub_process(directory, **environment) as hub:
        pin(hub.pid, CLIENT_CORE)
        for thread in psutil.Process(hub.pid).threads():
            psutil.Process(thread.id).cpu_affinity([SERVER_CORE])
        event = hub.create_event(rules=RULES)
        hub.start_event(event["id"])
        tokens = ViewerTokens(signing_secret(directory), SystemClock())
        devices = (tokens.anonymous(event["id"], f"device {number}", None)[0] for number in itertools.count())
        yield Room("venuecast", hub.pid, hub.http_port, devices, hub=hub, event=event)


def slow_sync_library(directory: Path) -> Path | None:
    """A library that makes mongod's disk syncs 10 ms slower; None where there is no compiler."""
    library = directory / "slow_sync.so"
    source = Path(__file__).with_name("slow_sync.c")
    command = ["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(source), "-ldl"]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return None
    return library


def settle(room: Room, seconds: float = 1.0) -> None:
    """Wait until the server has nothing left to do of what came before."""
    for _ in range(20):
        before = room.usage().cpu_seconds
        time.sleep(seconds)
        if room.usage().cpu_seconds - before < 0.1 * seconds:
            return
