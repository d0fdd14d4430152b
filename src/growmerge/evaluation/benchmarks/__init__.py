"""Benchmarks as data: a source, a converter of its rows to items, and a metric.

`registry` says what there is and is plain data, because Snakemake reads it when it parses the rules.
"""
