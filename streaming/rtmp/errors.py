"""Errors split by blame: theirs ends their connection with one log line, ours is a bug and shows a traceback."""


class RemoteProtocolError(Exception):
    """The peer sent what RTMP does not allow, or more than a named limit."""


class LocalProtocolError(Exception):
    """We called the machine in a state that does not allow it."""
