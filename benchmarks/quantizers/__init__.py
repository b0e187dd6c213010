"""Quantisers of others, each a script for an environment of its own (`peers/environments.py`).

    python SCRIPT FLOAT_FILE IMAGES.npy QUANTISED_FILE VARIANT

IMAGES are inputs of the network, float32 [N, 3, H, W].
"""
