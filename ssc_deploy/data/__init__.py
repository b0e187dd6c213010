"""Reads images with their classes from files of several forms into memory. Every file is treated as hostile.

The published folders of CIFAR-10, CIFAR-100 and ImageNet-32 (pickles or .npz), ImageFolder trees, zip files of one.
"""

from ssc_deploy.data.dataset import UNKNOWN, Dataset, Split
from ssc_deploy.data.reading import read, read_any

__all__ = ["UNKNOWN", "Dataset", "Split", "read", "read_any"]
