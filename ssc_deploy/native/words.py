"""The numbers that stand in a plan, as ``native/ssc_engine.h`` gives them; a test compares the two."""

from __future__ import annotations

import enum

MAGIC, VERSION, RANK = 0x31435353, 1, 8

#: Buffers of a place; inputs begin at `FIRST_INPUT`, outputs follow them.
WEIGHTS, ARENA, FIRST_INPUT = 0, 1, 2

#: Floats of a line of the cache, and of the columns that a kernel passes over at once (``STRIP`` of body_rows.h).
LINE, STRIP = 16, 64


class Instructions(enum.IntEnum):
    """``ssc_set``."""

    SCALAR = 0
    NEON = 1
    AVX2 = 2
    AVX512 = 3


class Kind(enum.IntEnum):
    """``ssc_step_kind``."""

    ROWS = 1
    DEPTHWISE = 2
    SUMS = 3
    MOVE = 4
    FILL = 5
    MAP = 6
    PAIR = 7
    SELECT = 8
    REDUCE = 9
    POOL = 10
    MATMUL = 11
    SAMPLE = 12


class Function(enum.IntEnum):
    """``ssc_function``."""

    CLIP = 0
    ABS = 1
    NEGATE = 2
    RECIPROCAL = 3
    SQRT = 4
    EXP = 5
    LOG = 6
    SIGMOID = 7
    TANH = 8
    ERF = 9
    FLOOR = 10
    CEIL = 11
    ROUND = 12
    SIGN = 13
    LEAKY = 14
    ELU = 15
    SOFTPLUS = 16
    HARD_SIGMOID = 17
    HARD_SWISH = 18
    SILU = 19
    GELU = 20
    NOT = 21
    MISH = 22
    SOFTSIGN = 23


class Pair(enum.IntEnum):
    """``ssc_pair``."""

    ADD = 0
    SUBTRACT = 1
    MULTIPLY = 2
    DIVIDE = 3
    MAXIMUM = 4
    MINIMUM = 5
    POWER = 6
    PRELU = 7
    LESS = 8
    GREATER = 9
    EQUAL = 10
    LESS_EQUAL = 11
    GREATER_EQUAL = 12
    AND = 13
    OR = 14


class Reduction(enum.IntEnum):
    """``ssc_reduction``."""

    SUM = 0
    MOST = 1
    LEAST = 2
    PRODUCT = 3
    SUM_OF_SQUARES = 4
    SUM_OF_SIZES = 5
