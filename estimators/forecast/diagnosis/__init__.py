"""What is asked after a forecast or a plan: what went wrong, where, what it cost, and what to measure next."""
