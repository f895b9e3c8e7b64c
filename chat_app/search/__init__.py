"""Finding passages by their words."""
