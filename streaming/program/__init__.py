"""A venue's program: a Stream whose publisher is the director's choice among the venue's feeds, or a slate.

The hub makes one for each venue of a live event and ends it with the event. Outputs subscribe to it and never know
which feed they carry.
"""
