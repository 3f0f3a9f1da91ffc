"""Thousands of Socket.IO sockets in one process, told what to do by JSON lines on stdin, answering on stdout.

Bare protocols that count frames and parse few: at 100,000 deliveries a second they work as hard as the server.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import uvloop

SAMPLED = 25
"""Every so many sockets the delay of each frame is read."""
HANDSHAKES = 150
"""Under way at once."""
UPGRADE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
ORDINALS = "东西南北春夏秋冬山水"
MASK = b"\x00\x00\x00\x00"
"""A mask of zeros leaves the payload as it is (RFC 6455 5.3 asks for a mask, not for secrecy, of a test)."""


def masked(text: str) -> bytes:
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return bytes([0x81, 0x80 | size]) + MASK + payload
    return b"\x81\xfe" + struct.pack(">H", size) + MASK + payload


class Phone(asyncio.Protocol):
    """One socket of the room."""

    __slots__ = ("_asked", "_buffer", "_ids", "batches", "delays", "lost", "ready", "token", "transport")

    def __init__(self, token: str, delays: list[float] | None) -> None:
        self.token = token
        self.delays = delays
        self.batches = 0
        self.lost = False
        self.ready: asyncio.Future[None] | None = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport
        self._buffer = b""
        self._ids = 0
        self._asked: dict[int, asyncio.Future[Any]] = {}

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(UPGRADE)

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        for waiting in (self.ready, *self._asked.values()):
            if waiting is not None and not waiting.done():
                waiting.set_exception(ConnectionError("the server closed the socket"))

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        at, end = 0, len(data)
        if data.startswith(b"HTTP"):
            found = data.find(b"\r\n\r\n")
            if found < 0:
                self._buffer = data
                return
            at = found + 4
        while at < end:
            if end - at < 2:
                break
            size, start = data[at + 1], at + 2
            if size == 126:
                size, start = (data[at + 2] << 8) | data[at + 3] if end - at >= 4 else 1 << 30, at + 4
            elif size == 127:
                size, start = int.from_bytes(data[at + 2 : at + 10], "big") if end - at >= 10 else 1 << 30, at + 10
            if start + size > end:
                break
            self._frame(data, start, start + size)
            at = start + size
        if at < end:
            self._buffer = data[at:]

    def _frame(self, data: bytes, start: int, end: int) -> None:
        if data.startswith(b'42/room,["batch"', start):
            self.batches += 1
            if self.delays is not None:
                found = data.find(b'"at":"', start, end) + 6
                sent = datetime.fromisoformat(data[found : data.find(b'"', found)].decode()).timestamp()
                self.delays.append(time.time() - sent)
        elif data.startswith(b"43/room,", start):
            text = data[start + 8 : end]
            bracket = text.index(b"[")
            waiting = self._asked.pop(int(text[:bracket]), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(json.loads(text[bracket:])[0])
        elif data.startswith(b"2", start) and end - start == 1:
            self.transport.write(masked("3"))
        elif data.startswith(b"0", start):
            self.transport.write(masked("40/room," + json.dumps({"token": self.token})))
        elif data.startswith(b'42/room,["snapshot"', start):
            if self.ready is not None and not self.ready.done():
                self.ready.set_result(None)
        elif data.startswith(b"44/room", start) and self.ready is not None:
            self.ready.set_exception(ConnectionError(data[start:end].decode()))

    async def ask(self, event: str, payload: object) -> Any:
        """The acknowledgement."""
        self._ids += 1
        waiting = self._asked[self._ids] = asyncio.get_running_loop().create_future()
        content = json.dumps([event, payload], ensure_ascii=False)
        self.transport.write(masked(f"42/room,{self._ids}{content}"))
        return await waiting


class Crowd:
    """The sockets of this process, and what was asked of them."""

    def __init__(self) -> None:
        self.phones: list[Phone] = []
        self.delays: list[float] = []
        self._speaking: set[asyncio.Task[None]] = set()
        self._said = 0

    async def connect(self, port: int, tokens: list[str]) -> dict[str, Any]:
        """All at once, as after a lost network; returns once each has its snapshot."""
        loop = asyncio.get_running_loop()
        slots = asyncio.Semaphore(HANDSHAKES)

        async def one(token: str) -> Phone:
            async with slots:
                delays = self.delays if len(self.phones) % SAMPLED == 0 else None
                phone = Phone(token, delays)
                self.phones.append(phone)
                await loop.create_connection(lambda: phone, "127.0.0.1", port)
                assert phone.ready is not None
                await phone.ready
                phone.ready = None
                return phone

        began = time.perf_counter()
        await asyncio.gather(*(one(token) for token in tokens))
        return {"seconds": time.perf_counter() - began, "sockets": len(self.phones)}

    async def measure(self, seconds: float) -> dict[str, Any]:
        """Deliveries of the next seconds."""
        self.delays.clear()
        before = [phone.batches for phone in self.phones]
        cpu, began = time.process_time(), time.perf_counter()
        await asyncio.sleep(seconds)
        took = time.perf_counter() - began
        busy = (time.process_time() - cpu) / took
        delays = sorted(self.delays)
        counts = [phone.batches - start for phone, start in zip(self.phones, before, strict=True)]
        return {
            "seconds": took,
            "deliveries": sum(counts),
            "fewest": min(counts),
            "most": max(counts),
            "closed": sum(phone.lost for phone in self.phones),
            "p50_ms": quantile(delays, 0.5) * 1000,
            "p99_ms": quantile(delays, 0.99) * 1000,
            "generator_busy": busy,
        }

    async def speak(self, rate: float, seconds: float) -> dict[str, Any]:
        """Comments at a pace, one socket after the other, in the background."""

        async def speaking() -> None:
            loop = asyncio.get_running_loop()
            due, end = loop.time(), loop.time() + seconds
            while due < end:
                phone = self.phones[self._said % len(self.phones)]
                task = asyncio.ensure_future(phone.ask("comment", self._comment()))
                task.add_done_callback(lambda done: done.cancelled() or done.exception())
                due += 1 / rate
                await asyncio.sleep(max(0, due - loop.time()))

        task = asyncio.create_task(speaking())
        self._speaking.add(task)
        task.add_done_callback(self._speaking.discard)
        return {}

    def _comment(self) -> dict[str, Any]:
        self._said += 1
        number = os.getpid() * 1_000_000 + self._said
        # long numbers would be held as telephone numbers
        words = "".join(ORDINALS[int(digit)] for digit in str(number))
        return {"text": f"今晚的灯会真好看，我是{words}，大家晚上好", "client_id": str(number)}

    async def ask(
        self, event: str, payload: dict[str, Any] | None, count: int, in_flight: int, each: int
    ) -> dict[str, Any]:
        """`count` events, so many under way at once, `each` of one socket at most; how they were acknowledged."""
        count = min(count, each * len(self.phones))
        answers: Counter[str] = Counter()
        delays: list[float] = []
        numbers = iter(range(count))

        async def worker() -> None:
            for number in numbers:
                phone = self.phones[number % len(self.phones)]
                sent = self._comment() if payload is None else {**payload, "client_id": f"n{number}"}
                began = time.perf_counter()
                try:
                    answer = await phone.ask(event, sent)
                except ConnectionError:
                    answers["closed"] += 1
                    continue
                delays.append(time.perf_counter() - began)
                answers["ok" if answer["ok"] else answer["error"]["code"]] += 1

        began = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(in_flight)))
        seconds = time.perf_counter() - began
        delays.sort()
        return {
            "seconds": seconds,
            "answers": dict(answers),
            "per_second": answers["ok"] / seconds,
            "p50_ms": quantile(delays, 0.5) * 1000,
            "p99_ms": quantile(delays, 0.99) * 1000,
        }

    async def close(self) -> dict[str, Any]:
        for phone in self.phones:
            phone.transport.abort()
        self.phones.clear()
        return {}


def quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


async def obey() -> None:
    crowd = Crowd()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        act: Callable[..., Any] = getattr(crowd, order.pop("do"))
        try:
            answer = await act(**order)
        except Exception as error:  # told to whoever gave the order
            answer = {"error": repr(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(obey())
