"""Converters of a dataset's records to evaluation items, one family of benchmarks a module."""
