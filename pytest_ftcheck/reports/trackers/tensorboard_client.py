"""TensorBoard told: scalars over the training step, one event file per gate run, in the folder of the training."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from pytest_ftcheck.reports.trackers.facts import Facts


def record(facts: Facts, place: str, files: Sequence[Path]) -> str:
    """Write a run's event file into the log folder `place`; return the file.

    It appears whole or not at all, so that a TensorBoard that watches the folder never reads half of it.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    folder, now = Path(place) / facts.series, time.time()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"events.out.tfevents.{now:.6f}.{socket.gethostname()}.{os.getpid()}.ftcheck"
    half = folder / f".{os.getpid()}.half"
    scalars = [Summary.Value(tag=name, simple_value=value) for name, value in sorted(facts.metrics.items())]
    try:
        with half.open("wb") as file:
            writer = RecordWriter(file)
            writer.write(Event(wall_time=now, file_version="brain.Event:2").SerializeToString())
            event = Event(wall_time=now, step=facts.step, summary=Summary(value=scalars))
            writer.write(event.SerializeToString())
            writer.flush()
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
    return str(path)
