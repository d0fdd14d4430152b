"""Minimal pairs from running text and full-form lexicons: one word put into another form of its paradigm."""
