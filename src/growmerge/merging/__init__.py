"""Merging language models in weight space: mergekit's methods, applied tensor by tensor in this process."""
