"""RTMP as a machine: bytes in, events out, bytes to send; no socket and no clock.

Layers, each usable alone: `handshake`, `chunk` (messages from chunks and back), `message` (control and aggregate
messages), `amf0`, `command` (what a command asks for), `connection` (the server's side of a publisher) and `pusher`
(the client's side). `server` is the thin asyncio adapter that owns sockets and time.
"""
