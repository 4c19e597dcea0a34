"""Fakes that satisfy the ports: they keep state, have the real thing's semantics, and can be told to fail."""
