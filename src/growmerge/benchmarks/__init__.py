"""Benchmarks: data sets and held-out text made into items that models are scored on."""
