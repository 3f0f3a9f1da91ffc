"""`make bench-webrtc`: WHEP viewers of one feed, beside Janus and aiortc, in one run.

Viewers are real ICE and DTLS-SRTP peers (`viewer`), many in one process (`load`); each decrypts and depacketises until
its first whole key frame, then counts datagrams and looks at their sequence numbers.
"""
