"""Who asks, and what they may: principals, built-in roles, role assignments."""
