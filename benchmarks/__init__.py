"""What Promoter costs, and how it is measured."""
