"""Points: an append-only ledger by viewer and center, fed by rules, spent in a small mall.

The lines are the only truth: a balance is their sum, never a number of its own. Earning appends a line whose id makes
it unique; spending takes one transaction that sums the lines and writes the order, so that no balance goes below zero.
"""
