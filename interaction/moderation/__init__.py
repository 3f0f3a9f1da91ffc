"""Moderation: what may stand in a room, who may speak, and who decided it.

Word lists (one of the platform, one of each center) are compiled into a `Matcher` each; a comment's text is folded once
(width, case, spaces, look-alikes, traditional forms) and run through them. Sanctions are kept by viewer, so that a new
device with the same account changes nothing. Both live in MongoDB; every process re-reads what changed within seconds.
Acts of moderators stand in a journal whose entries carry the hash of the one before.
"""
