"""Benchmarks: ours beside its peers in the same run, as ratios."""
