"""An event-driven promoter of container images."""

__version__ = "0.1.0"
