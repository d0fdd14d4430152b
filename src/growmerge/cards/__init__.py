"""Model cards: what the manifests of a study say about each of its models, with the scores of its tables."""
