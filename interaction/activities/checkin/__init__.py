"""Check-ins: one tap while it is open, one line per viewer."""
