"""Side-by-side benchmarks: the hub beside its peers, same stream, same machine, same run.

Server on one core, clients and encoder on the other. What counts is CPU-seconds per delivered unit and the ratio to
the peer: these machines are noisy, and wall-clock figures are not comparable across runs.
"""
