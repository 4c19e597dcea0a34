"""What promotion means: pure types and rules, with no I/O, no clock and no vendor."""
