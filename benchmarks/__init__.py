"""Figures against peers, each measured in one run: `python -m benchmarks.NAME`, with `--record` into
RESULTS.md.
"""
