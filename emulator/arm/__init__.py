"""The Resource Manager side of a registry: reading it, and importing images into it."""
