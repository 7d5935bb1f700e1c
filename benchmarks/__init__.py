"""Benchmarks: contenders side by side in one run, ratios first, because machines are noisy. Not timed tests."""
