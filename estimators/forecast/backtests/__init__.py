"""Rolling origins, scores and baselines: how good a forecast would have been."""
