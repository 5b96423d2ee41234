"""Speed, memory and error rates beside the libraries that the field uses. Run by `make bench` and `make coverage`."""
