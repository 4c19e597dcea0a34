"""A small Functions host over the real worker library, and the local stack built on it."""
