"""What there is to choose from, as plain data: benchmarks, merge methods, features. Imports nothing of ours."""
