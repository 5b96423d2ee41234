"""Sub-models: typed ports, named parameters, and the parts that time series of a marketplace are made of."""
