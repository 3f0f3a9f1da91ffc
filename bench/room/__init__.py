"""`make bench-room`: a room of the hub beside Node's socket.io 4.8, the same clients before both.

`clients` is a load generator in a process of its own; `servers` starts what is measured; `__main__` runs the cases.
"""
