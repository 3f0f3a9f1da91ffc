"""Lotteries: a pool, prizes in tiers, a draw that anybody can compute again.

`draw` is the arithmetic, `commitment` what is published before, `transcript` what is published after, `guards` what the
law asks, `importing` lists from outside, `pool` who is in, `lotteries` the kind as the engine sees it.
"""
