"""Models compared with each other: their weights, language vectors and hidden states."""
