"""Azure Container Registry and Event Grid on loopback."""
