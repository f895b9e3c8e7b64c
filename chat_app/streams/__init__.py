"""The append-only log of running answers."""
