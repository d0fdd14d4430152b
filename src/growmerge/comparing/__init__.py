"""Models held against each other: their weights, language vectors and hidden states."""
