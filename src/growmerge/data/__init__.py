"""From raw text to shuffled batches of tokens: sources, documents, tokenizer, shards, mixtures."""
