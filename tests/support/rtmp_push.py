"""An encoder that has signed on with a key and waits: for tests of who may push, not of media."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streaming.rtmp.pusher import Pusher

SECONDS = 30.0


class SignedOn:
    """The pusher's words with the hub; `refusal` holds the hub's when it does not want us."""

    def __init__(self, pusher: Pusher, reader: asyncio.StreamReader) -> None:
        self._pusher, self._reader = pusher, reader
        self.refusal = pusher.refusal

    @property
    def accepted(self) -> bool:
        return self._pusher.accepted

    async def closed(self) -> None:
        """Return once the hub has hung up; TimeoutError when it does not."""
        async with asyncio.timeout(SECONDS):
            while data := await self._reader.read(65_536):
                self._pusher.receive_data(data)
        self.refusal = self._pusher.refusal


@asynccontextmanager
async def signed_on(port: int, key: str) -> AsyncIterator[SignedOn]:
    """Say hello with a stream key, up to the hub's yes or no."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        pusher = Pusher(f"rtmp://127.0.0.1:{port}/live", "live", key)
        async with asyncio.timeout(SECONDS):
            while not pusher.accepted and pusher.refusal is None:
                writer.write(pusher.data_to_send())
                data = await reader.read(65_536)
                if not data:
                    break
                pusher.receive_data(data)
        yield SignedOn(pusher, reader)
    finally:
        writer.close()
