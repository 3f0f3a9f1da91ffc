"""A living example: two venues on air with synthetic cameras, for newcomers and for trying things out."""
