"""When a tokenizer is too dear for a language. Pure: figures are drawn where `tokenizers` is not installed."""

MOST_TIMES_ENGLISH = 2.0  # tokens a byte, as a multiple of English's: a language that takes more gets a warning
