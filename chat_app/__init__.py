"""A streaming chat web application that never loses a word."""
