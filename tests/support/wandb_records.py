"""An offline run of W&B read back: its records, as W&B's own protocol spells them. Run as a script; prints JSON.

The file is a log in LevelDB's format: a header of seven bytes, then blocks of 32 KiB with records that may be split.
"""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path
from typing import Any

BLOCK = 32 * 1024


def raw_records(data: bytes) -> list[bytes]:
    """Return the records of a log."""
    assert data[:4] == b":W&B"
    found, parts, at = [], b"", 7
    while at + 7 <= len(data):
        if BLOCK - at % BLOCK < 7:
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + 7])
        parts += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            found.append(parts)
            parts = b""
    return found


def run_of(path: Path) -> dict[str, Any]:
    """Return a run's project, group, config, history and summary."""
    from wandb.proto.wandb_internal_pb2 import Record

    found: dict[str, Any] = {"history": {}, "summary": {}, "config": {}, "exit": None}
    for raw in raw_records(path.read_bytes()):
        record = Record.FromString(raw)
        if record.HasField("run"):
            found |= {"project": record.run.project, "group": record.run.run_group, "name": record.run.display_name}
            found["config"] |= {each.key: json.loads(each.value_json) for each in record.run.config.update}
        for what, held in (("history", record.history.item), ("summary", record.summary.update)):
            found[what] |= {each.key or "/".join(each.nested_key): json.loads(each.value_json) for each in held}
        if record.HasField("exit"):
            found["exit"] = record.exit.exit_code
    return found


if __name__ == "__main__":
    print(json.dumps(run_of(Path(sys.argv[1]))))
