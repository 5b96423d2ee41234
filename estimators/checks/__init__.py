"""One check a file; each returns `Check` rows and never raises for a fault of the data."""
