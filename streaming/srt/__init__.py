"""SRT ingest on one UDP port: a small front before one ffmpeg listener per caller.

ffmpeg's listener takes one caller and cannot choose by streamid. So the front (`front.py`) answers the first half of
the handshake itself (induction, stateless: a cookie), reads the key from the second half (conclusion), asks the hub,
and only then starts an ffmpeg bound to a loopback port (`session.py`). To that ffmpeg it repeats the handshake with
ffmpeg's own cookie; from then on it hands datagrams to and fro untouched, and counts what passes (`meter.py`).
Retransmission, encryption and latency are libsrt's, in ffmpeg; MPEG-TS becomes FLV there, and the FLV demuxer and
the hub's Timeline do the rest.

Life story: `serve_srt` owns the socket and all sessions; a session ends with its caller, by silence, or when the hub
takes the feed away. A wrong key, a missing or wrong passphrase is refused with SRT's own rejection code before any
process is started.
"""
