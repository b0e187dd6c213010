"""Our own conversion: the public `ssc_deploy.export`, whose options a variant names as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.contender import Job


def export(job: Job, form: str) -> Path:
    """Exports, and with it verifies, the network.

    Args:
        job: its options are keyword arguments of `ssc_deploy.export`.
        form: ``"onnx"``, ``"tflite"`` or ``"c"``.

    Raises:
        TypeError: this version of ssc-deploy has no such option.
        SscDeployError: it refuses the network or an option.
    """
    import ssc_deploy
    from benchmarks import shift_networks

    net = job.net
    if net.arch in shift_networks.NETWORKS:
        given = {
            "model": f"{shift_networks.__file__}:{shift_networks.NETWORKS[net.arch][0].__name__}",
            "input_shape": net.input_shape,
        }
    else:
        given = {
            "arch": net.arch,
            "args": {name: str(value) for name, value in net.args.items()},
            "input_shape": (1, *net.input_shape[1:]),
        }
    result = ssc_deploy.export(
        job.weights,
        **given,
        to=form,
        batch=net.batch,
        output=job.folder,
        **job.options,
    )
    (file,) = result.files
    return file.path
