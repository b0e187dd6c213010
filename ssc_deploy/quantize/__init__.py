"""Quantised exports: which values become 8-bit integers, on which grid, and the proof that a file computes so."""
