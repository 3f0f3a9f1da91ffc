"""WHEP: a Stream's packets to any number of viewers, packetised once.

Life story: `sessions.WhepSessions` (made by the composition root) judges a viewer's offer, finds or makes the `fanout`
of the Stream that it wants and gives the viewer a road. Once DTLS is done the viewer joins the fan-out: it starts at
the last key frame and catches up by its `pacing`, then gets each new frame with everybody else. What it misses it
asks for by number, out of the `history` that all viewers share; how its link does is judged from its `reports`. It
ends by DELETE, by the peer, by silence, or with the Stream; the fan-out lets go of the Stream after its last viewer.
"""
