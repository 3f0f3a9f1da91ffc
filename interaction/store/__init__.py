"""A module per MongoDB collection: its indexes, its mapper, its queries. Nobody else writes there."""
