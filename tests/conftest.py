"""Of all tests."""

from hypothesis import settings

# A deadline for one example measures the machine: on a busy one the first example, which warms caches, misses it.
settings.register_profile("causal", deadline=None)
settings.load_profile("causal")
