"""Measures exported models where they run."""
