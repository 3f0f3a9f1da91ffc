"""Private MongoDB and Redis under the data directory, for installations that name none.

Each is a child of the hub, in a session of its own (Ctrl-C reaches the hub alone, which stops them last), that dies
with the hub even on `kill -9`. Its address is kept with its data.
"""
