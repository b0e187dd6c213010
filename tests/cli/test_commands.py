"""The commands doing their work on a network in foreign code."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from cli import foreign_net
from cli.tester import ZOO, foreign, refused, ssc
from PIL import Image

from ssc_deploy import nets
from ssc_deploy.runtimes.litert import LiteRT


@pytest.fixture
def picture(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


def test_export_writes_what_its_json_says(exported):
    files, outcome = exported
    assert outcome.code == 0, outcome.err
    result = outcome.json
    assert result["schema_version"] == 1
    assert result["rewrite"] | {"nodes": 9} == result["rewrite"]
    assert (result["rewrite"]["shifts"], result["rewrite"]["shuffles"], result["rewrite"]["group_pointwise"]) == (
        1,
        1,
        1,
    )
    assert [Path(file["path"]) for file in result["files"]] == [files / "mine.onnx", files / "mine.tflite"]
    assert {path.name for path in files.iterdir()} == {"mine.onnx", "mine.tflite", "mine.golden.npz"}
    assert result["golden"] == {"path": str(files / "mine.golden.npz"), "pictures": 16}
    for file in result["files"]:
        assert file["verification"]["ok"]
        assert file["verification"]["movements"] | {"checked": 2, "exact": 2} == file["verification"]["movements"]
        assert Path(file["path"]).stat().st_size == file["size"]
    assert LiteRT().whole_in_delegate(files / "mine.tflite")


def test_with_json_the_stages_go_to_stderr_one_below_the_other(exported):
    _, outcome = exported
    lines = outcome.err.splitlines()
    stages = ["checkpoint", "capture", "rewrite", "lower", "emit", "verify"]
    stages += ["lower", "layout", "emit", "verify", "golden"]
    assert [line.split()[0] for line in lines] == stages
    assert all(line[:13] == f" {stage:<10}  " and line[13] != " " for line, stage in zip(lines, stages, strict=True))
    assert lines[0].endswith("Net · 796 parameters · 4 classes · 3x8x8")
    assert lines[5].endswith("· OK")


@pytest.mark.slow
def test_in_text_the_stages_are_the_result(folder, tmp_path):
    options = ["--ckpt", folder / "mine.pth.tar", *foreign(), "--to", "tflite", "-o", tmp_path]
    outcome = ssc("export", *options)
    assert (outcome.code, outcome.err) == (0, "")
    assert [line.split()[0] for line in outcome.out.splitlines()] == [
        *("checkpoint", "capture", "rewrite", "lower", "layout", "emit", "verify", "golden")
    ]
    assert "\x1b" not in outcome.out


@pytest.mark.slow
def test_options_reach_the_files(folder, tmp_path):
    options = ["--ckpt", folder / "mine.pth.tar", *foreign(), "-o", tmp_path, "--format", "json"]
    outcome = ssc("export", *options, "--opset", "13", "--batch", "3", "--shift", "slice", "--shuffle", "transpose")
    assert outcome.code == 0, outcome.err
    lowering = outcome.json["files"][0]["lowering"]
    assert (lowering["batch"], lowering["shift"], lowering["shuffle"]) == (3, {"slice": 1}, {"transpose": 1})
    model = onnx.load(tmp_path / "mine.onnx")
    assert model.opset_import[0].version == 13
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 3


@pytest.mark.slow
def test_a_file_of_the_default_options_stands_under_export(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = ssc("export", "--ckpt", folder / "mine.pth.tar", *foreign(), "--to", "tflite")
    assert outcome.code == 0
    written = {path.relative_to(tmp_path / "export" / "mine").name for path in tmp_path.rglob("*.*")}
    assert written == {"mine.tflite", "mine.golden.npz"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mine.onnx", "mine.tflite"])
def test_verify_passes_what_was_exported(folder, exported, name):
    files, _ = exported
    options = ["verify", "--ckpt", folder / "mine.pth.tar", *foreign(), "--against", files / name]
    assert ssc(*options).out.rstrip().endswith("OK")
    outcome = ssc(*options, "--format", "json")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.json["ok"]
    assert outcome.json["schema_version"] == 1


@pytest.mark.slow
def test_verify_fails_for_other_weights_and_names_the_block(folder, exported, tmp_path):
    files, _ = exported
    state = torch.load(folder / "mine.pth.tar", weights_only=True)["state_dict"]
    state["module.local.0.weight"][3] *= 1.01
    torch.save(state, tmp_path / "other.pt")
    options = ["verify", "--ckpt", tmp_path / "other.pt", *foreign(), "--against", files / "mine.tflite"]
    outcome = ssc(*options)
    assert (outcome.code, outcome.err) == (1, "")
    assert "FAILED" in outcome.out
    assert "the file leaves the network first in local" in outcome.out
    outcome = ssc(*options, "--format", "json")
    assert outcome.code == 1
    assert outcome.json["first_divergence"]["block"]["name"].startswith("local")
    assert ssc(*options, "--atol", "10").code == 0


def test_run_prints_labels_in_the_order_of_their_probability(exported, picture, tmp_path):
    files, _ = exported
    (tmp_path / "labels.txt").write_text("ant\nbee\ncow\ndog\n")
    options = ["--mean", "0.5,0.5,0.5", "--std", "0.25,0.25,0.25", "--labels", tmp_path / "labels.txt"]
    network = foreign_net.Net().eval()
    nets.randomise(network)
    pixels = torch.from_numpy(np.asarray(Image.open(picture)).copy()).permute(2, 0, 1)[None]
    with torch.no_grad():
        expected = torch.softmax(network((pixels / 255 - 0.5) / 0.25), 1)[0].sort(descending=True)
    for name in ("mine.onnx", "mine.tflite"):
        outcome = ssc("run", files / name, picture, picture, *options, "--top-k", "2", "--format", "json")
        assert (outcome.code, outcome.err) == (0, "")
        assert outcome.json["schema_version"] == 1
        for prediction in outcome.json["predictions"]:
            assert [c["label"] for c in prediction["top"]] == [
                ["ant", "bee", "cow", "dog"][i] for i in expected.indices[:2]
            ]
            assert [c["probability"] for c in prediction["top"]] == pytest.approx(
                expected.values[:2].tolist(), abs=1e-5
            )
    text = ssc("run", files / "mine.onnx", picture, *options).out.splitlines()
    assert text[0] == str(picture)
    assert [line.split()[1] for line in text[1:]] == [["ant", "bee", "cow", "dog"][i] for i in expected.indices]


def test_run_says_that_scores_without_names_are_taken_for_classes(exported, picture, tmp_path):
    files, _ = exported
    (tmp_path / "labels.txt").write_bytes(b"\xef\xbb\xbfant\r\nbee\r\ncow\r\ndog\r\n\r\n")
    options = [files / "mine.onnx", picture, "--mean", "0,0,0", "--std", "1,1,1"]
    assert "its outputs are taken for scores of classes" in ssc("run", *options).out
    named = ssc("run", *options, "--labels", tmp_path / "labels.txt")
    assert "taken for" not in named.out
    assert sorted(line.split()[-1] for line in named.out.splitlines()[1:]) == ["ant", "bee", "cow", "dog"]
    (tmp_path / "labels.txt").write_text("background\nant\nbee\ncow\ndog\n")
    sentence = refused("run", *options, "--labels", tmp_path / "labels.txt")
    assert "lists 5 labels, the network has 4 outputs" in sentence


def test_run_imports_neither_torch_nor_what_exports(exported, picture):
    script = """
import sys
from ssc_deploy.cli import main
try:
    main(sys.argv[1:])
finally:
    print("imported:", *sorted({"torch", "onnxscript", "onnx_ir", "rich"} & set(sys.modules)))
"""
    files, _ = exported
    options = ["--mean", "0,0,0", "--std", "1,1,1"]
    command = [sys.executable, "-c", script, "run", files / "mine.tflite", picture, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "imported:"
    # Native code of LiteRT writes notes to file descriptor 2, which only a process of its own shows.
    assert done.stderr == ""


@pytest.mark.slow
def test_every_stage_can_be_looked_at(folder):
    reached = []
    for stage in ("checkpoint", "capture", "rewrite", "lower"):
        options = ["inspect", folder / "mine.pth.tar", *foreign("Flipping"), "--stage", stage]
        outcome = ssc(*options, "--format", "json")
        assert (outcome.code, outcome.err) == (0, "")
        reached.append(stage)
        assert [report["stage"] for report in outcome.json["stages"]] == reached
        assert outcome.json["schema_version"] == 1
        assert outcome.json["parameters"] == 796
        # 27 * 18 * 64 in the entry, 9 * 18 * 64 in the group pointwise, 18 * 4 in the head; movements cost none.
        assert outcome.json["macs"] == 31104 + 10368 + 72


@pytest.mark.slow
def test_what_was_refused_is_said_with_its_block_and_the_reason(folder):
    outcome = ssc("inspect", folder / "mine.pth.tar", *foreign("Flipping"))
    assert outcome.code == 0
    text = " ".join(outcome.out.split())
    assert "recognised · 1 movement left alone (" in text
    assert "output channel 0 is displaced by" in text
    assert "foreign_net.py, line 69, in forward" in text
    # A path is not broken into lines, so that it can be copied.
    listed = [line for line in outcome.out.splitlines() if "/cli/" not in line and not line.startswith(" rewrite")]
    assert max(map(len, listed)) <= 100
    assert outcome.out.splitlines()[-1].strip()


def test_a_file_is_looked_at_as_it_stands(exported):
    files, _ = exported
    outcome = ssc("inspect", files / "mine.tflite")
    assert (outcome.code, outcome.err) == (0, "")
    assert "1 delegate partition\n" in outcome.out
    assert "DEPTHWISE_CONV_2D 3x3 · shift" in outcome.out
    assert "lowering: shift=depthwise, shuffle=planes" in outcome.out
    assert "41,544 MACs" in outcome.out
    outcome = ssc("inspect", files / "mine.onnx", "--format", "json")
    assert outcome.json["metadata"]["network"] == "Net"
    assert outcome.json["macs"] == 41544


def test_a_warning_is_one_line_without_a_place_in_our_code(tmp_path):
    shutil.copytree(ZOO, tmp_path, dirs_exist_ok=True)
    state = torch.load(tmp_path / "ssc_1_9.pt", weights_only=True)
    torch.save({**state, "note": "retrained"}, tmp_path / "ssc_1_9.pt")
    outcome = ssc("inspect", tmp_path / "ssc_1_9.pt", "--stage", "checkpoint")
    assert outcome.code == 0
    (line,) = outcome.err.splitlines()
    assert line.startswith(f"warning: {tmp_path}/model.toml is not used: it describes a ssc_1_9.pt of SHA-256 ")


def test_inspect_takes_the_checkpoint_as_the_other_commands_do():
    given = ("inspect", "--stage", "checkpoint", "--format", "json")
    assert ssc(*given, "--ckpt", ZOO / "ssc_1_9.pt").json == ssc(*given, ZOO / "ssc_1_9.pt").json
    assert ssc(*given, "--ckpt", "a.pt", "b.pt").code == 2


@pytest.mark.slow
def test_verbose_logs_the_rules_and_the_way_to_an_error(folder, tmp_path):
    options = ["--ckpt", folder / "mine.pth.tar", *foreign("Summing"), "--to", "tflite", "-o", tmp_path]
    assert "RecogniseMovement" not in ssc("export", *options).err
    logged = ssc("export", *options, "-vv").err
    assert "ssc_deploy.rewrite: RecogniseMovement: changed" in logged
    assert "Traceback" in logged
    assert logged.splitlines()[-1].startswith("error: TFLite emission cannot write Det")


@pytest.mark.slow
def test_the_main_job_on_a_trained_network_and_real_pictures(tmp_path):
    outcome = ssc("export", "--ckpt", ZOO / "ssc_1_9.pt", "--to", "tflite", "--to", "onnx", "-o", tmp_path)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.count("top-1 agrees on 64/64 images · 9 movements bit-exact · ") == 2
    assert outcome.out.count(" blocks agree · OK") == 2
    assert "6 shifts, 3 shuffles, 15 group pointwise recognised · 0 movements left alone" in outcome.out
    assert LiteRT().whole_in_delegate(tmp_path / "ssc_1_9.tflite")
    pictures = sorted((ZOO / "golden").glob("*.png"))
    against = ["--ckpt", ZOO / "ssc_1_9.pt", "--against", tmp_path / "ssc_1_9.onnx"]
    found = ssc("verify", *against, "--format", "json").json
    assert found["top1"] == {"hits": 64, "total": 64}
    for name in ("ssc_1_9.tflite", "ssc_1_9.onnx"):
        predicted = ssc("run", tmp_path / name, *pictures, "--top-k", "1", "--format", "json").json["predictions"]
        right = [Path(p["picture"]).name.startswith(p["top"][0]["label"]) for p in predicted]
        # Verification counts likewise the images whose best class is the true one; of both files it is the network's.
        assert sum(right) == found["accuracy"]["hits"]
