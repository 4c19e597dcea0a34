"""Checks of the Bicep files, without the Bicep compiler, which cannot be had everywhere."""
