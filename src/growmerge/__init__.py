"""growmerge: grow language models, adapt them to new languages, merge them, and measure what survives."""

__version__ = "0.1.0"
