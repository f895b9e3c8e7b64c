"""Thin states: what a page shows, and what it asks of the services."""
