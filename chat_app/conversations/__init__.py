"""Use cases: everything a page can ask for, and nothing about pages."""
