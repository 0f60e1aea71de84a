"""Us and lm-evaluation-harness on the same weights, case files and number format: CPU-seconds of whole processes.

    python -m benchmarks.against_lm_eval [--folder build/bench] [--batch-sizes 8 16 64]

The harness runs in an environment of its own under build/lm_eval, made on the first run: LM_EVAL beside the torch and
transformers of constraints.txt, so that both sides run the same kernels. What both say is compared before any ratio is
told: the texts of all answers, and the log-probabilities of all choices within TOLERANCE. The harness is run once per
model and has the batch size at which it needs least; we run base and ft in one pytest run, from an empty store ("cold")
and with a fine-tune that the store has not met beside a base that it has ("next checkpoint"). Each side runs with its
own packages alone: pytest without the plugins that this project is developed with, and both with compiled bytecode.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.workload import NEW_TOKENS, work

LM_EVAL = "lm_eval[hf]==0.4.13"
ROOT = Path(__file__).parent.parent
TOLERANCE = 1e-3
TASKS = {
    "generate": f"""
output_type: generate_until
doc_to_target: "{{{{expected}}}}"
generation_kwargs: {{until: ["<never said>"], max_gen_toks: {NEW_TOKENS}, do_sample: false, temperature: 0.0}}
metric_list: [{{metric: exact_match}}]
""",
    "choose": """
output_type: multiple_choice
doc_to_choice: choices
doc_to_target: gold
target_delimiter: ""
metric_list: [{metric: acc}]
""",
}
OURS = {
    "generate": f"max_new_tokens={NEW_TOKENS}",
    "choose": 'choices="choices"',
}
SUITE = """
import json, os
from pytest_ftcheck import assert_no_worse, eval_cases, gate

@eval_cases({cases!r}, {arguments})
def test_cases(case, answer):
    with open(os.environ["SAID"], "a") as said:
        said.write(json.dumps([case.id, str(answer), answer.choice_logprobs]) + "\\n")
    assert answer == case.expected

@gate(test_cases)
def test_gate(comparison):
    assert_no_worse(comparison, margin=0.5)
"""


def harness(folder: Path) -> Path:
    """Return the python of the harness's environment, made if it is not there."""
    environment = folder.parent / "lm_eval"
    python = environment / "bin" / "python"
    if not (environment / "bin" / "lm_eval").exists():
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "-c", str(ROOT / "constraints.txt"), LM_EVAL]
        subprocess.run(pip, check=True)
    return python


def cpu_s(command: Sequence[str | Path], *, folder: Path, **environment: str) -> float:
    """Run a command to its end; return the CPU-seconds of its processes. Prints what it said if it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(folder / "datasets"), "TOKENIZERS_PARALLELISM": "false"}
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env={**inherited, "OMP_NUM_THREADS": "1", **offline, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\nended with {done.returncode}:\n{done.stdout[-4000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run_harness(folder: Path, task: str, model: Path, batch_size: int) -> tuple[float, dict[str, Any]]:
    """Run one task on one model; return its CPU-seconds and what was said, by case: a text, or log-probabilities."""
    tasks, output = folder / "tasks", folder / "lm_eval_output"
    shutil.rmtree(output, ignore_errors=True)
    tasks.mkdir(exist_ok=True)
    files = json.dumps({"data_files": {"test": str(folder / f"{task}.jsonl")}})
    head = f"task: bench_{task}\ndataset_path: json\ndataset_kwargs: {files}\ntest_split: test\n"
    (tasks / f"{task}.yaml").write_text(f'{head}doc_to_text: "{{{{input}}}}"{TASKS[task]}')
    arguments = ["--model", "hf", "--model_args", f"pretrained={model},dtype=float32", "--device", "cpu"]
    arguments += ["--tasks", f"bench_{task}", "--include_path", str(tasks), "--batch_size", str(batch_size)]
    arguments += ["--output_path", str(output), "--log_samples"]
    spent = cpu_s([harness(folder).parent / "lm_eval", *arguments], folder=folder)
    (samples,) = output.rglob("samples_*.jsonl")
    said = {}
    for line in samples.read_text().splitlines():
        row = json.loads(line)
        said[row["doc"]["id"]] = _said(row["resps"], task)
    return spent, said


def _said(resps: Any, task: str) -> Any:
    if task == "generate":
        return resps[0][0]
    return [float(each[0][0]) for each in resps]


def run_ours(folder: Path, task: str, ft: Path, store: Path) -> tuple[float, list[dict[str, Any]]]:
    """Run base and ft in one pytest run; return its CPU-seconds and what each role said, base first."""
    # A project of its own: this one's conftest and pytest settings are none of a user's.
    (folder / "pytest.ini").write_text("[pytest]\n")
    compileall.compile_dir(ROOT / "pytest_ftcheck", quiet=1)  # as an installer does
    suite = folder / f"test_{task}.py"
    suite.write_text(SUITE.format(cases=f"{task}.jsonl", arguments=OURS[task]))
    said = folder / "said.jsonl"
    said.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "pytest_ftcheck.plugin", suite]
    command += [f"--ft-model={ft}", f"--base-model={folder / 'base'}", "--ft-template=none", "--ft-dtype=float32"]
    command += [f"--ft-store={store}"]
    spent = cpu_s(command, folder=folder, SAID=str(said), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    roles: list[dict[str, Any]] = [{}, {}]
    for line in said.read_text().splitlines():
        case, text, logprobs = json.loads(line)
        roles[case in roles[0]][case] = text if task == "generate" else logprobs
    return spent, roles


def check_agreement(task: str, ours: dict[str, Any], theirs: dict[str, Any]) -> float:
    """Return the largest difference of a log-probability (0 for texts). Raises SystemExit where answers differ."""
    if ours.keys() != theirs.keys():
        raise SystemExit(f"{task}: {len(ours)} cases of ours, {len(theirs)} of the harness's")
    if task == "generate":
        differ = [case for case in ours if ours[case] != theirs[case]]
        if differ:
            pair = f"{ours[differ[0]]!r} and {theirs[differ[0]]!r}"
            raise SystemExit(f"{task}: {len(differ)} answers differ, {differ[0]}: {pair}")
        return 0.0
    worst = max(abs(a - b) for case in ours for a, b in zip(ours[case], theirs[case], strict=True))
    if worst > TOLERANCE:
        raise SystemExit(f"{task}: log-probabilities differ by {worst}; allowed: {TOLERANCE}")
    return worst


def measure(folder: Path, task: str, batch_sizes: Sequence[int]) -> dict[str, Any]:
    """Return CPU-seconds of both sides of one task, and their ratios. Says each as it is known."""
    where = work(folder)
    store = folder / "store"
    shutil.rmtree(store, ignore_errors=True)
    cold, said = run_ours(folder, task, where("ft"), store)
    _say(f"{task}: ours, cold: {cold:.1f} CPU-s")
    # Base's answers alone, then a fine-tune that this store has not met.
    shutil.rmtree(store)
    run_ours(folder, task, where("base"), store)
    following, _ = run_ours(folder, task, where("ft"), store)
    _say(f"{task}: ours, next checkpoint: {following:.1f} CPU-s")
    theirs: dict[int, float] = {}
    for size in batch_sizes:
        theirs[size], base_said = run_harness(folder, task, where("base"), size)
        _say(f"{task}: the harness, base, batch size {size}: {theirs[size]:.1f} CPU-s")
    best = min(theirs, key=lambda size: theirs[size])
    ft_cpu_s, ft_said = run_harness(folder, task, where("ft"), best)
    _say(f"{task}: the harness, ft, batch size {best}: {ft_cpu_s:.1f} CPU-s")
    worst = max(check_agreement(task, *each) for each in zip(said, (base_said, ft_said), strict=True))
    both = theirs[best] + ft_cpu_s
    return {
        f"{task}_ours_cold_cpu_s": cold,
        f"{task}_ours_next_checkpoint_cpu_s": following,
        f"{task}_lm_eval_base_cpu_s": {str(size): spent for size, spent in theirs.items()},
        f"{task}_lm_eval_ft_cpu_s": ft_cpu_s,
        f"{task}_lm_eval_batch_size": best,
        f"{task}_largest_difference": worst,
        f"{task}_cold_vs_lm_eval": cold / both,
        f"{task}_next_checkpoint_vs_lm_eval": following / both,
    }


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[8, 16, 64])
    chosen = parser.parse_args()
    for task in TASKS:
        print(json.dumps(measure(chosen.folder.resolve(), task, chosen.batch_sizes), indent=2), flush=True)
