"""What a study costs, before it is spent: every artifact with its parameters, tokens, FLOPs, GPU hours and bytes."""
