"""From an encoder to every screen: feeds, the hub, programs, and their outputs.

An encoder's session (`rtmp/`) publishes into a feed's `Stream`. A venue's `Program` is a Stream too: its
publisher is the director's choice among the feeds, or a slate. HLS, FLV, previews, health and the recorder
are subscribers of one of these Streams, each behind its own bounded queue. The `Hub` owns every Stream and
Program; `web.wiring` owns the Hub. Nothing here knows of rooms, pages or accounts.
"""
