"""The only package that speaks HTTP to callers; it imports no Reflex."""
