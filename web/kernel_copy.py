"""Media that many viewers ask for leaves by `sendfile` from memory files: no byte is copied here, no disk is read.

A segment that is asked for once is written as any body. From the second time on its bytes stand in a memory file
(memfd), and the kernel hands its pages to the socket. Where that cannot be (TLS in this process, a client with unsent
bytes, another platform) the body is written as before.

Private names used here, and nowhere else: aiohttp's `StreamWriter._headers_buf`, `_headers_written` and
`StreamResponse._send_headers_immediately`. The head has to leave before the body by the same road, at once.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections import OrderedDict
from typing import Any

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict

WORTH_BYTES = 96 * 1024
"""Smaller bodies cost more in system calls than in copying."""
MAX_FILES = 48
"""Memory files at once: the newest segments of half a dozen venues, 24 MB; the rest is written as before."""
MAX_ASKED = 1024
"""Names of which it is known that somebody asked once."""
STALL_SECONDS = 60.0
"""A client that took nothing for this long is gone."""


class MemoryFile:
    """A body in a file that has no disk; closed with its last user."""

    __slots__ = ("fd", "size")

    def __init__(self, data: bytes) -> None:
        self.fd = os.memfd_create("segment", os.MFD_CLOEXEC)
        self.size = 0
        with memoryview(data) as view:
            while self.size < len(data):
                self.size += os.write(self.fd, view[self.size :])

    def __del__(self) -> None:
        fd = getattr(self, "fd", -1)
        if fd >= 0:
            os.close(fd)


class MemoryFiles:
    """The bodies that were asked for lately, by a name that is never used for other bytes."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, MemoryFile | None] = OrderedDict()
        self._open = 0

    def of(self, name: str, data: bytes) -> MemoryFile | None:
        """None the first time, and where there are no memory files."""
        if len(data) < WORTH_BYTES or not hasattr(os, "memfd_create"):
            return None
        if name not in self._files:
            self._files[name] = None
            self._forget_old()
            return None
        self._files.move_to_end(name)
        file = self._files[name]
        if file is None:
            try:
                file = self._files[name] = MemoryFile(data)
            except OSError:  # no descriptor or no memory left: the body is written as before
                return None
            self._open += 1
            self._forget_old()
        return file

    def _forget_old(self) -> None:
        while len(self._files) > MAX_ASKED or self._open > MAX_FILES:
            _, file = self._files.popitem(last=False)
            self._open -= file is not None


class KernelBody(web.StreamResponse):
    """A response whose body goes from a memory file to the socket without passing this process."""

    _send_headers_immediately = False

    def __init__(self, file: MemoryFile, data: bytes, headers: CIMultiDict[str]) -> None:
        super().__init__(headers=headers)
        self._file, self._data = file, data
        self.headers[hdrs.CONTENT_LENGTH] = str(file.size)

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        writer = await super().prepare(request)
        if writer is None or request.method == hdrs.METH_HEAD or self.status != 200:
            return writer
        transport = request.transport
        if transport is None or transport.get_write_buffer_size() or transport.get_extra_info("sslcontext"):
            await self.write(self._data)
            return writer
        pseudo = transport.get_extra_info("socket")
        head = _taken_head(writer)
        await _send(pseudo.family, pseudo.fileno(), head, self._file)
        writer.set_eof()  # type: ignore[attr-defined]
        self._eof_sent = True
        return writer


def _taken_head(writer: Any) -> bytes:
    """The head that aiohttp has ready, which it then believes to be sent."""
    head: bytes = writer._headers_buf
    writer._headers_buf = None
    writer._headers_written = True
    return head


async def _send(family: int, fd: int, head: bytes, file: MemoryFile) -> None:
    """Head and body; waits for a slow client on a descriptor of its own, since the loop watches `fd` for reading."""
    sender, borrowed, sent = _socket(family, fd), True, 0
    try:
        left = memoryview(head)
        while left or sent < file.size:
            try:
                if left:
                    left = left[sender.send(left, socket.MSG_MORE) :]
                else:
                    sent += os.sendfile(sender.fileno(), file.fd, sent, file.size - sent)
            except BlockingIOError:
                if borrowed:
                    own = os.dup(fd)
                    sender.detach()
                    sender, borrowed = _socket(family, own), False
                await _writable(sender.fileno())
    finally:
        if borrowed:
            sender.detach()  # the transport closes it
        else:
            sender.close()


def _socket(family: int, fd: int) -> socket.socket:
    """Around a descriptor as it is: `dup()` and `settimeout()` of Python's sockets would make it block."""
    return socket.socket(family, socket.SOCK_STREAM, 0, fileno=fd)


async def _writable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_writer(fd, _done, ready)
    try:
        async with asyncio.timeout(STALL_SECONDS):
            await ready
    except TimeoutError:
        raise ConnectionResetError("the client takes nothing") from None
    finally:
        loop.remove_writer(fd)


def _done(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
