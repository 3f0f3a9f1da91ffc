"""A service that is started again when it ends before the hub does: a killed database comes back by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from config.embedded.child import start_child

LOOK_SECONDS = 0.5
"""How soon it is noticed that a child has ended."""
MAX_PAUSE_SECONDS = 10.0
HEALTHY_SECONDS = 60.0
"""A child that lived so long is started again at once."""

log = structlog.get_logger(__name__)


class KeptChild:
    """A child that is started again when it ends before its time."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self._command = command
        self._log = log
        self.process = start_child(command, log)

    async def watch(self) -> None:
        """Start it again whenever it has ended, after a pause that grows while it does not live long."""
        loop = asyncio.get_running_loop()
        pause, began = LOOK_SECONDS, loop.time()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self.process.poll() is None:
                continue
            pause = LOOK_SECONDS if loop.time() - began > HEALTHY_SECONDS else min(2 * pause, MAX_PAUSE_SECONDS)
            log.warning("a service ended and is started again", command=self._command[0], code=self.process.returncode)
            await asyncio.sleep(pause)
            began = loop.time()
            try:
                self.process = start_child(self._command, self._log)
            except OSError as error:
                log.warning("a service cannot be started", command=self._command[0], error=str(error))


@asynccontextmanager
async def kept(child: KeptChild) -> AsyncIterator[None]:
    """Watch it while the context is open."""
    watching = asyncio.create_task(child.watch())
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
