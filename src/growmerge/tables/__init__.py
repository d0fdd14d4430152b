"""Tables and statistics, from scores and comparisons alone."""
