"""Planning: what to decide, under which constraints, and how far from the best a plan can be."""
