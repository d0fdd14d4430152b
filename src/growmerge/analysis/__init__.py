"""Tables, statistics and figures from scores."""
