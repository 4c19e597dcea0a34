"""The application over ports in memory: policies are tried out here, and nothing is connected to."""
