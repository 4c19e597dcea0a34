"""Azure Container Registry, its ARM provider and Event Grid, on loopback."""
