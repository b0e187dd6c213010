"""Bundles: a folder or .zip with all that a device needs to run a network, and to prove that it runs it right."""
