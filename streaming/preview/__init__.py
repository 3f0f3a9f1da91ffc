"""Stills of what a feed or program shows: the last key frame, decoded only when somebody looks."""
