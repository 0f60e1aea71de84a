"""Every case of a run as a Parquet file, a row a case: for what is too large for a page. pyarrow is loaded late."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_ftcheck.errors import ConfigError
from pytest_ftcheck.records import Answer, CaseResult, Grade, Reply, Run
from pytest_ftcheck.reports.files import write_whole
from pytest_ftcheck.reports.losses import expected_text

ENDING = ".cases.parquet"
RUN = b"ftcheck_run"
"""Where a file names its run."""
_ROWS = 5_000
_SURROGATES = {code: f"\\u{code:04x}" for code in range(0xD800, 0xE000)}


def write_parquet(run: Run, path: Path) -> None:
    """Write all cases of a run to `path`, answers and grades as JSON lists of samples.

    Raises ConfigError where pyarrow is missing or the file cannot be written.
    """
    try:
        import pyarrow as arrow  # type: ignore[import-untyped, unused-ignore]
        from pyarrow import parquet  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        raise ConfigError(f"{path}: Parquet needs pyarrow; pip install 'pytest-ftcheck[data]'") from None
    texts = [arrow.field(name, arrow.string()) for name in _TEXTS]
    scores = [arrow.field(name, arrow.float64()) for name in _SCORES]
    schema = arrow.schema([*texts, *scores], metadata={RUN: run.id.encode("utf-8", "replace")})
    sink = io.BytesIO()
    with parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        for rows in _batches(run):
            writer.write_table(arrow.Table.from_pylist(rows, schema=schema))
    write_whole(path, sink.getvalue(), what="cases of the report")


def find_parquet(run: Run, folder: Path) -> str:
    """Return the name of the file in `folder` that holds all cases of a run; empty where none is, or none can be read.

    A file is known by the run that it names, whatever it is called.
    """
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        return ""
    for path in sorted(folder.glob(f"*{ENDING}")):
        with contextlib.suppress(OSError, ArrowException):
            if (parquet.read_schema(path).metadata or {}).get(RUN) == run.id.encode("utf-8", "replace"):
                return path.name
    return ""


_TEXTS = (
    *("eval", "metric", "case", "outcome", "input", "expected", "tags", "cluster", "source", "missing"),
    *("base_answers", "ft_answers", "base_grades", "ft_grades", "also_answers", "also_grades"),
)
_SCORES = ("base_score", "ft_score", "also_score")


def _batches(run: Run) -> Iterator[list[dict[str, Any]]]:
    for one in run.evals:
        for start in range(0, len(one.cases), _ROWS):
            yield [_row(one.nodeid, one.metric, result) for result in one.cases[start : start + _ROWS]]


def _row(nodeid: str, metric: str, result: CaseResult) -> dict[str, Any]:
    case = result.case
    row = {
        "eval": nodeid,
        "metric": metric,
        "case": case.id,
        "outcome": result.outcome,
        "input": case.input if isinstance(case.input, str) else _json([dict(message) for message in case.input]),
        "expected": expected_text(case.expected),
        "tags": _json(dict(case.tags)),
        "cluster": case.cluster,
        "source": case.source,
        "missing": result.missing,
        "base_answers": _answers(result.base_answers),
        "ft_answers": _answers(result.ft_answers),
        "base_grades": _grades(result.base_grades),
        "ft_grades": _grades(result.ft_grades),
        "also_answers": _answers(result.also_answers) if result.also_answers else None,
        "also_grades": _grades(result.also_grades) if result.also_answers else None,
    }
    written = {name: None if text is None else str(text).translate(_SURROGATES) for name, text in row.items()}
    return {**written, **{name: getattr(result, name) for name in _SCORES}}


def _answers(replies: Sequence[Reply]) -> str:
    return _json([str(reply) if isinstance(reply, Answer) else None for reply in replies])


def _grades(grades: Mapping[str, Sequence[Grade]]) -> str:
    return _json(
        {name: [{"score": each.score, "reason": each.reason} for each in given] for name, given in grades.items()}
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
