"""Replays: past prompts run through two versions of a recipe, and what is better."""
