"""A bad network for UDP, as a relay: loss, delay, reordering and a narrow pipe, each way, changed while it runs."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

Address = tuple[str, int]


@dataclass
class Weather:
    """What happens to datagrams from clients to the server; `back` of it to those that return."""

    loss: float = 0.0
    """Share of datagrams that vanish."""
    delay: float = 0.0
    """Seconds, each way."""
    reorder: float = 0.0
    """Share of datagrams that take `delay` and another 30 ms."""
    bits_per_second: float | None = None
    """Width of the pipe to the server; what waits longer than `queue` seconds is dropped, as routers do."""
    queue: float = 0.3
    blocked: bool = False


class LossyLink(asyncio.DatagramProtocol):
    def __init__(self, weather: Weather, seed: int) -> None:
        self.server_port = 0
        """Where it leads, once that is known."""
        self.weather = weather
        self._random = random.Random(seed)
        self._loop = asyncio.get_running_loop()
        self._upstream: dict[Address, _Return] = {}
        self._free_at = 0.0
        self.port = 0
        self.passed = self.dropped = self.bytes_passed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, address: Address) -> None:
        if address not in self._upstream:
            opened = self._upstream[address] = _Return(self, address)
            opened.task = self._loop.create_task(
                self._loop.create_datagram_endpoint(lambda: opened, remote_addr=("127.0.0.1", self.server_port))
            )
        upstream = self._upstream[address]
        self.travel(len(data), lambda: upstream.send(data), narrow=True)

    def back(self, data: bytes, address: Address) -> None:
        self.travel(len(data), lambda: self._transport.sendto(data, address), narrow=False)

    def travel(self, size: int, arrive: object, *, narrow: bool) -> None:
        weather, now = self.weather, self._loop.time()
        if weather.blocked or self._random.random() < weather.loss:
            self.dropped += 1
            return
        wait = weather.delay + (0.03 if self._random.random() < weather.reorder else 0.0)
        if narrow and weather.bits_per_second is not None:
            self._free_at = max(self._free_at, now) + size * 8 / weather.bits_per_second
            if self._free_at - now > weather.queue:
                self._free_at -= size * 8 / weather.bits_per_second
                self.dropped += 1
                return
            wait += self._free_at - now
        self.passed += 1
        if narrow:
            self.bytes_passed += size
        self._loop.call_later(wait, arrive)  # type: ignore[arg-type]

    def close(self) -> None:
        for upstream in self._upstream.values():
            if upstream.task is not None:
                upstream.task.cancel()
            if upstream.transport is not None:
                upstream.transport.close()
        self._transport.close()


class _Return(asyncio.DatagramProtocol):
    """The relay's own socket for one client: the server sees as many peers as there are."""

    def __init__(self, link: LossyLink, client: Address) -> None:
        self._link, self._client = link, client
        self.transport: asyncio.DatagramTransport | None = None
        self.task: asyncio.Task[object] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: Address) -> None:
        self._link.back(data, self._client)

    def error_received(self, exc: Exception) -> None:
        pass  # the server is gone for a moment: a loss

    def send(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.sendto(data)


@asynccontextmanager
async def lossy_link(weather: Weather, seed: int = 1) -> AsyncIterator[LossyLink]:
    """A relay on loopback; it leads to `server_port`, which may be set later."""
    loop = asyncio.get_running_loop()
    _, link = await loop.create_datagram_endpoint(lambda: LossyLink(weather, seed), local_addr=("127.0.0.1", 0))
    try:
        yield link
    finally:
        link.close()
        await asyncio.sleep(0)  # the sockets close in the loop's next turn
