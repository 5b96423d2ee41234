"""The tests; a package, so that `tests.datasets` means this one whatever else is installed."""
