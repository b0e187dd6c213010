"""What holds for all tests."""

import os

# One thread each: the workers of pytest-xdist take all cores, and two threads that wait for one core spin.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")
