"""Bodies by `sendfile`: the same bytes for fast and slow clients, again and again on one connection."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from multidict import CIMultiDict

from tests.support.waiting import eventually
from web.kernel_copy import MAX_FILES, WORTH_BYTES, KernelBody, MemoryFile, MemoryFiles

pytestmark = pytest.mark.service

DATA = os.urandom(6_000_000)
"""More than a socket of loopback holds, so that a slow client has to be waited for."""


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    file = MemoryFile(DATA)

    async def segment(_: web.Request) -> web.StreamResponse:
        return KernelBody(file, DATA, CIMultiDict({"Content-Type": "video/iso.segment"}))

    app = web.Application()
    app.router.add_get("/segment", segment)
    running = TestServer(app, host="127.0.0.1")
    async with running:
        yield running


async def test_the_bytes_are_the_bytes_again_and_again_on_one_connection(server: TestServer) -> None:
    async with ClientSession() as client:
        for _ in range(3):
            answer = await client.get(server.make_url("/segment"))
            assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(DATA)))
            assert await answer.read() == DATA
        head = await client.head(server.make_url("/segment"))
        assert (head.status, head.headers["Content-Length"], await head.read()) == (200, str(len(DATA)), b"")


async def test_a_client_that_stops_reading_holds_up_nobody_and_gets_all_when_it_goes_on(server: TestServer) -> None:
    assert server.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
    writer.write(b"GET /segment HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    first = await reader.read(100)
    async with ClientSession() as client:
        assert await (await client.get(server.make_url("/segment"))).read() == DATA
    whole = first + await reader.read()
    writer.close()
    assert whole.partition(b"\r\n\r\n")[2] == DATA


async def test_a_client_that_leaves_in_the_middle_leaves_no_descriptor(server: TestServer) -> None:
    assert server.port is not None
    before = descriptors()
    for _ in range(5):
        _, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
        writer.write(b"GET /segment HTTP/1.1\r\nHost: a\r\n\r\n")
        await asyncio.sleep(0)
        writer.transport.abort()
    await eventually(lambda: descriptors() <= before)


def test_what_is_asked_for_once_or_is_small_stays_as_it_is_and_the_rest_is_bounded() -> None:
    files, body = MemoryFiles(), bytes(WORTH_BYTES)
    assert files.of("small", body[1:]) is files.of("small", body[1:]) is None
    before = descriptors()
    for number in range(MAX_FILES * 2):
        assert files.of(str(number), body) is None
        assert files.of(str(number), body) is not None
    assert descriptors() - before == MAX_FILES
