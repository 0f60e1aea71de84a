"""`ftcheck card`: the card of the checkpoint that a run judged, and of no other."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ftcheck.cli import main
from pytest_ftcheck.models.checkpoints import resolve
from pytest_ftcheck.models.protocol import EngineOptions
from pytest_ftcheck.reports.document import write_json
from tests.support.digests import MemoryDigests
from tests.support.runs import green_run


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A folder that is a checkpoint as far as its content's name goes, and run.json of a run that judged it."""
    folder = tmp_path / "ckpt"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", "architectures": ["LlamaForCausalLM"]}))
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    spec = resolve("ft", str(folder), rootdir=tmp_path, options=EngineOptions(), digests=MemoryDigests())
    base, ft = green_run().models
    run = replace(green_run(), models=(base, replace(ft, fingerprint=spec.fingerprint)))
    write_json(run, tmp_path / "run.json")
    return folder


def test_it_writes_the_card_of_the_runs_checkpoint(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The card is written and named."""
    assert main(["card", str(checkpoint.parent / "run.json"), str(checkpoint)]) == 0
    assert capsys.readouterr().out.strip() == str(checkpoint / "README.md")
    assert "name: ckpt" in (checkpoint / "README.md").read_text()


def test_it_writes_no_card_of_another(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Weights that the run did not judge get no card, unless that is said; a card that was written changes nothing."""
    words = ["card", str(checkpoint.parent / "run.json"), str(checkpoint)]
    assert main(words) == 0
    assert main(words) == 0
    (checkpoint / "config.json").write_text(json.dumps({"model_type": "llama", "changed": 1}))
    assert main(words) == 2
    assert "whose content is" in capsys.readouterr().err
    assert main([*words, "--unchecked"]) == 0


def test_it_refuses_what_is_no_folder(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A hub id is no folder."""
    assert main(["card", str(checkpoint.parent / "run.json"), "org/name"]) == 2
    assert "CHECKPOINT is 'org/name'; allowed: a folder" in capsys.readouterr().err
