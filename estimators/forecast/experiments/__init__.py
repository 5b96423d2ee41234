"""Measured effects: the table, its held-out split, and the gate that compares the model with them."""
