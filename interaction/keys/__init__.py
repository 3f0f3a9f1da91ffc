"""A module per Redis key family: names, expiry, commands. Losing them all costs figures a moment, never a fact."""
