"""Events, their venues and feeds, and the event's life; owner of the `events` collection.

An event is made as a draft by its crew, may be scheduled, is started and ended by hand, and is archived when
nobody needs it in the lists. Its feeds accept pushes (for preview) before it is live.
"""
