"""Blueprints: a trigger becomes a use case, and its outcome an answer."""
