"""Votes: `rules` says what a ballot may hold, `tally` counts, `suspicion` marks, `votes` joins them to the engine."""
