"""Parameter sets in, sizes and MP4 configuration out: pure functions, a module per codec."""
