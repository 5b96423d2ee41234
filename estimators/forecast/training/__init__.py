"""Training by stages, what comes of it, and how sure it is."""
