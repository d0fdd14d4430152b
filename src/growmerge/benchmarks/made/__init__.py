"""Builders of evaluation items, each a function from data to a list of :class:`growmerge.benchmarks.items.Item`.

A builder draws nothing from a generator: what it chooses, it chooses by a hash of seed and id, so that an item stays
the same when others come or go, and every language gets the same sentences and facts as far as it has them.
"""
