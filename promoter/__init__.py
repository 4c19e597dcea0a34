"""An event-driven promoter of container images."""
