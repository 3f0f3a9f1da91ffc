"""Who may play, where a cache in front decides: addresses of media that expire, checked without asking the hub."""
