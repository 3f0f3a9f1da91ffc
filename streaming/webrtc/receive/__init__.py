"""From a publisher's RTP to the packets of a Stream, without decoding a picture.

A packet's way: `jitter` puts a stream's packets in order and says what is missing; `h264`, `vp8` and `av1` make frames
of them by timestamp and marker; `clock` gives both tracks one zero; `receiver` owns it all for one session, asks for
lost packets and key frames, and hands on nothing that a loss has damaged.
"""
