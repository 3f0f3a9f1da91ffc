"""The handshake: simple, complex, and what is neither."""

from __future__ import annotations

import pytest

from streaming.rtmp.errors import RemoteProtocolError
from streaming.rtmp.handshake import SIZE, ClientHandshake, ServerHandshake


@pytest.mark.parametrize("complex_form", [False, True], ids=["simple", "complex"])
def test_case_10_both_forms_meet(complex_form: bool) -> None:
    client, server = ClientHandshake(complex_form=complex_form), ServerHandshake()
    answer, done = server.receive(bytearray(client.hello()))
    assert (len(answer), done, server.complex) == (1 + 2 * SIZE, False, complex_form)
    c2 = client.receive(bytearray(answer))
    assert c2 is not None and len(c2) == SIZE
    rest = bytearray(c2 + b"what follows")
    assert server.receive(rest) == (b"", True)
    assert rest == b"what follows"


def test_case_10_a_damaged_digest_falls_back_to_the_simple_form() -> None:
    hello = bytearray(ClientHandshake(complex_form=True).hello())
    for position in range(9, len(hello)):
        hello[position] ^= 0x5A
    server = ServerHandshake()
    answer, _ = server.receive(bytearray(hello))
    assert server.complex is False
    assert answer[1 + SIZE :] == hello[1:]  # S2 echoes C1


def test_case_10_the_simple_form_echoes_what_the_encoder_sent() -> None:
    hello = ClientHandshake().hello()
    answer, _ = ServerHandshake().receive(bytearray(hello))
    assert answer[1 + SIZE :] == hello[1:]


def test_case_10_encrypted_rtmp_is_refused_with_what_to_do() -> None:
    with pytest.raises(RemoteProtocolError, match="use RTMPS"):
        ServerHandshake().receive(bytearray(b"\x06" + bytes(SIZE)))


@pytest.mark.parametrize("first", [b"G", b"\x16", b"\x00", b"\xff"])
def test_what_is_not_rtmp_is_refused_at_its_first_byte(first: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="not RTMP"):
        ServerHandshake().receive(bytearray(first))


@pytest.mark.parametrize("complex_form", [False, True])
def test_byte_by_byte(complex_form: bool) -> None:
    client, server = ClientHandshake(complex_form=complex_form), ServerHandshake()
    buffer, answers = bytearray(), b""
    for byte in client.hello():
        buffer.append(byte)
        answers += server.receive(buffer)[0]
    c2 = client.receive(bytearray(answers))
    assert c2 is not None
    done = False
    for byte in c2:
        assert done is False
        buffer.append(byte)
        done = server.receive(buffer)[1]
    assert done is True
