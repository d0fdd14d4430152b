"""Merging language models in weight space with mergekit, in process."""
