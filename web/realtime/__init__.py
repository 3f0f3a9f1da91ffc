"""Socket.IO: the `/room` namespace translates, `broadcast` writes the same bytes to every socket of a room."""
