"""Tensors whose axes have names and labels: broadcast, slice and reduce by label, never by position."""
