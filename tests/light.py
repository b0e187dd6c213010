"""Builds the wheel and uses it as an app developer does, without PyTorch: ``uv run python -m tests.light``.

For each runtime it makes an environment with the wheel and that runtime's extra alone, and there classifies an image,
profiles the file, and looks at the sentence that names the extra for exporting. It prints the size of the environment
and the time of the first import.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click

import ssc_deploy
from ssc_deploy.extras import PACKAGES

REPOSITORY = Path(__file__).parents[1]
CHECKPOINT = REPOSITORY / "models/ssc-net-1-9/ssc_1_9.pt"
IMAGE = REPOSITORY / "models/ssc-net-1-9/golden/cat-0251.png"

#: Where the wheel's own packages are imported, nothing of `PACKAGES["export"]` may be there to hide a mistake.
_PREDICT = f"""
import sys, time
began = time.process_time()
import ssc_deploy
model = ssc_deploy.load_model(sys.argv[1])
took = time.process_time() - began
print(model.predict(sys.argv[2])[0].top[0])
wrong = sorted(set(sys.modules) & set({PACKAGES["export"]!r}))
assert not wrong, wrong
assert "site-packages" in ssc_deploy.__file__, ssc_deploy.__file__
print(f"import and load: {{took:.2f}} CPU s")
"""

_EXPORT = """
import sys, ssc_deploy
try:
    ssc_deploy.export(sys.argv[1])
except ssc_deploy.SscDeployError as error:
    sys.exit(str(error))
"""


def main() -> int:
    """Builds and tries it; returns the exit code."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def call(*command: str | Path, code: int = 0) -> str:
            done = subprocess.run(
                [*map(str, command)], check=False, cwd=folder, env=environment, capture_output=True, text=True
            )
            if done.returncode != code:
                raise SystemExit(f"error: {' '.join(map(str, command))} ends with {done.returncode}:\n{done.stderr}")
            return done.stdout + done.stderr

        call("uv", "build", "-q", "--out-dir", folder / "dist", REPOSITORY)
        (wheel,) = (folder / "dist").glob("*.whl")
        assert list((folder / "dist").glob("*.tar.gz")), "there is no source distribution"
        exported = ssc_deploy.export(CHECKPOINT, to=["onnx", "tflite"], output=folder / "exported")
        for extra, suffix in {"onnx": ".onnx", "tflite": ".tflite"}.items():
            (model,) = (file.path for file in exported.files if file.path.suffix == suffix)
            place = folder / extra
            call("uv", "venv", "-q", "--python", sys.executable, place)
            call("uv", "pip", "install", "-q", "--link-mode", "copy", "--python", place, f"{wheel}[{extra}]")
            size = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
            python, command = place / "bin/python", place / "bin/ssc-deploy"
            click.echo(f"{extra}: {size / 1e6:.0f} MB")
            click.echo(call(python, "-c", _PREDICT, model, IMAGE).rstrip())
            assert "cat" in call(command, "run", model, IMAGE)
            assert "p50" in call(command, "profile", model, "--quick")
            for refused in (
                call(command, "export", "--ckpt", CHECKPOINT, code=2),
                call(python, "-c", _EXPORT, CHECKPOINT, code=1),
            ):
                assert "pip install 'ssc-deploy[export]'" in refused, refused
    click.echo("the wheel runs, profiles and refuses as it should, without PyTorch")
    return 0


if __name__ == "__main__":
    sys.exit(main())
