"""A registry over HTTP: the OCI distribution API, and what Azure Container Registry adds to it."""
