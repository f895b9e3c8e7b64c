"""Functions from values to components."""
