"""Forecasts of series one by one or by the hundred, without a model of what drives them."""
