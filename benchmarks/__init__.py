"""What is measured, counted and what it costs: `make bench`; docs/performance.md explains each figure."""
