"""Settings, backing services, clock, ids and logs: what every other package stands on.

Nothing here knows about streams, rooms or pages. `web.wiring` loads the settings once, opens the backing
services on an exit stack, and passes plain arguments down; no module reads settings or opens a client at
import time.
"""
