"""Event Grid: events of registries, their subscriptions, and delivery at least once."""
