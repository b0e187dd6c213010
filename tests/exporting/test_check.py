"""What the files of a source are verified on."""

from pathlib import Path

import numpy as np

from ssc_deploy import pictures
from ssc_deploy.exporting.check import Check
from ssc_deploy.source import open_source

CHECKPOINT = Path(__file__).parents[2] / "models" / "shift-net-3-6" / "shift_3_6.pt"


def test_golden_pictures_are_scaled_to_a_shape_that_the_user_chose():
    source = open_source(CHECKPOINT, input_shape=(1, 3, 20, 24))
    check = Check(source, None, None, None)
    (x,) = check.inputs.arrays
    assert x.shape == (len(check.classes), 3, 20, 24)
    first = pictures.read(source.card.golden_pictures()[0].path, "RGB", (20, 24), resize=True)
    np.testing.assert_array_equal(x[:1], pictures.preprocess([first], source.preprocessing, "NCHW"))
    assert check.probes.x.arrays[0].shape[1:] == (3, 20, 24)


def test_golden_pictures_of_the_network_s_own_shape_stay_as_they_are():
    source = open_source(CHECKPOINT)
    first = pictures.read(source.card.golden_pictures()[0].path, "RGB", (32, 32))
    (x,) = Check(source, None, None, None).inputs.arrays
    np.testing.assert_array_equal(x[:1], pictures.preprocess([first], source.preprocessing, "NCHW"))
