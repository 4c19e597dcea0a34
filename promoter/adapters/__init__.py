"""The ports met: one vendor a file."""
