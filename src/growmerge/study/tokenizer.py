"""When a tokenizer is too dear for a language. Pure: figures are drawn where `tokenizers` is not installed."""

TWICE = 2.0  # times English's tokens a byte: a language that pays more gets a warning
