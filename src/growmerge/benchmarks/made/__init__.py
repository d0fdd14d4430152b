"""Converters that need no dataset: they make items from held-out text and packages.

They draw nothing from a generator: what is chosen, is chosen by a hash of seed and id, so that an item stays the same
when others come or go, and every language gets the same sentences and facts as far as it has them.
"""
