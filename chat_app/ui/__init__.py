"""The only package that knows Reflex."""
