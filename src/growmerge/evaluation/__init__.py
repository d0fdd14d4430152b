"""Log-likelihood scoring and the benchmarks it is used for."""
