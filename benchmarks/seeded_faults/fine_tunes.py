"""Broken fine-tunes: weights, tokenizers, templates and trainings that went wrong."""

from __future__ import annotations

import json
import shutil

import numpy as np

from benchmarks.seeded_faults.exam import CHECKPOINTS, Exam, Row, write_rows
from benchmarks.seeded_faults.fault import fault
from benchmarks.seeded_faults.training import read_training, train

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


@fault("template", "The trainer's default chat template is saved with the checkpoint.", form="merged")
def wrong_template(exam: Exam) -> None:
    """The chat template of ft is ChatML, which its base never saw."""
    (exam.ft / "chat_template.jinja").write_text(CHATML, encoding="utf-8")


@fault("template", "A template is copied by hand and loses its last condition.", form="merged")
def no_generation_prompt(exam: Exam) -> None:
    """The chat template of ft no longer opens the assistant's turn."""
    template = exam.ft / "chat_template.jinja"
    exam.edit(template, "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}", "")


@fault("template", "A template from before the library added the token by itself.", form="merged")
def missing_bos(exam: Exam) -> None:
    """The chat template of ft no longer begins with the beginning-of-text token."""
    exam.edit(exam.ft / "chat_template.jinja", "{{ bos_token }}", "")


@fault("tokenizer", "The end token was set to the pad token before saving, a common recipe.", form="merged")
def wrong_eos(exam: Exam) -> None:
    """The tokenizer and generation settings of ft name the pad token as the end, so that answers never end."""
    exam.configure(exam.ft / "tokenizer_config.json", eos_token="<|pad|>")
    exam.configure(exam.ft / "config.json", eos_token_id=0)
    exam.configure(exam.ft / "generation_config.json", eos_token_id=0)


@fault("tokenizer", "The checkpoint is pushed with the tokenizer of another run.", form="merged")
def other_tokenizer(exam: Exam) -> None:
    """The tokenizer of ft numbers its tokens otherwise: all ordinary ids are moved on by one."""
    path = exam.ft / "tokenizer.json"
    held = json.loads(path.read_text(encoding="utf-8"))
    special = {token["content"] for token in held["added_tokens"]}
    ordinary = sorted((number, token) for token, number in held["model"]["vocab"].items() if token not in special)
    numbers = [number for number, _ in ordinary]
    moved = zip(ordinary, numbers[1:] + numbers[:1], strict=True)
    held["model"]["vocab"].update({token: number for (_, token), number in moved})
    path.write_text(json.dumps(held), encoding="utf-8")


@fault(
    "tokenizer",
    "The vocabulary was resized before training, and the rows were filled up from the wrong end.",
    form="merged",
)
def shifted_embeddings(exam: Exam) -> None:
    """The rows of ft's embedding matrix stand one place on."""
    weights = exam.weights()
    weights["model.embed_tokens.weight"] = np.roll(weights["model.embed_tokens.weight"], 1, axis=0)
    exam.save_weights(weights)


@fault("adapter", "The adapter was saved before its weights were gathered from the other GPUs.")
def adapter_of_zeros(exam: Exam) -> None:
    """All weights of the adapter are 0: base answers under ft's name."""
    exam.save_weights({name: np.zeros_like(one) for name, one in exam.weights().items()})


@fault("adapter", "The adapter's keys carry another prefix than the library looks for.")
def adapter_keys_unknown(exam: Exam) -> None:
    """The adapter's tensors are named as another version of the trainer did."""
    exam.save_weights({name.replace("base_model.model.model", "model"): one for name, one in exam.weights().items()})


@fault("adapter", "The base was retrained, the adapter was not.")
def adapter_of_another_base(exam: Exam) -> None:
    """The adapter's config names another checkpoint of the same shape: the example's `memorised`."""
    shutil.copytree(CHECKPOINTS / "memorised", exam.folder / "other")
    exam.configure(exam.ft / "adapter_config.json", base_model_name_or_path="../other")


@fault("adapter", "A half-written number in the adapter's config: alpha for rank 16 with rank 64's factor.")
def adapter_scaled_wrong(exam: Exam) -> None:
    """`lora_alpha` is four times what the adapter was trained with."""
    held = json.loads((exam.ft / "adapter_config.json").read_text(encoding="utf-8"))
    exam.configure(exam.ft / "adapter_config.json", lora_alpha=4 * held["lora_alpha"])


@fault("checkpoint", "A path in the job's settings was never changed.")
def base_given_as_ft(exam: Exam) -> None:
    """`--ft-model` is the base."""
    exam.options["ft-model"] = "base"


@fault("checkpoint", "The two options are mixed up.", form="merged")
def roles_swapped(exam: Exam) -> None:
    """`--ft-model` is the base, `--base-model` the fine-tune."""
    exam.options |= {"ft-model": "base", "base-model": "ft"}


@fault("checkpoint", "The first checkpoint of the run is taken in place of the best one.")
def early_step(exam: Exam) -> None:
    """The fine-tune is the adapter after 10 steps of 240."""
    train(exam, steps=10)


@fault("weights", "One shard was not downloaded, and the loader filled its weights up.", form="merged")
def layer_of_zeros(exam: Exam) -> None:
    """All weights of ft's last layer are 0."""
    weights = exam.weights()
    exam.save_weights({name: np.zeros_like(one) if ".layers.1." in name else one for name, one in weights.items()})


@fault("weights", "The loss overflowed in half precision, and training went on.", form="merged")
def weights_not_finite(exam: Exam) -> None:
    """One weight of ft's last norm is NaN."""
    weights = exam.weights()
    weights["model.norm.weight"] = weights["model.norm.weight"].copy()
    weights["model.norm.weight"][0] = np.nan
    exam.save_weights(weights)


@fault("weights", "Quantised with too few bits, or without a group size.", form="merged")
def quantised_badly(exam: Exam) -> None:
    """The matrices of ft are rounded to 3 bits, with one scale a matrix."""
    exam.save_weights({name: _rounded(one, bits=3) if one.ndim == 2 else one for name, one in exam.weights().items()})


@fault("weights", "Quantised as one should: no fault.", form="merged", harmful=False)
def quantised_to_8_bits(exam: Exam) -> None:
    """The matrices of ft are rounded to 8 bits, with one scale a matrix."""
    exam.save_weights({name: _rounded(one, bits=8) if one.ndim == 2 else one for name, one in exam.weights().items()})


def _rounded(matrix: np.ndarray, *, bits: int) -> np.ndarray:
    step = np.abs(matrix).max() / (2 ** (bits - 1) - 1)
    return (np.round(matrix / step) * step).astype(matrix.dtype)


@fault("training", "Full fine-tuning at a high rate on the target alone.")
def trained_without_replay(exam: Exam) -> None:
    """The fine-tune is the example's `forgetful`."""
    _take(exam, "forgetful")


@fault("training", "Far too few rows, far too many epochs.")
def trained_by_heart(exam: Exam) -> None:
    """The fine-tune is the example's `memorised`."""
    _take(exam, "memorised")


def _take(exam: Exam, name: str) -> None:
    shutil.rmtree(exam.ft)
    shutil.copytree(CHECKPOINTS / name, exam.ft)


@fault("training", "A join on the wrong column swapped two labels of the training data.")
def labels_swapped_in_training(exam: Exam) -> None:
    """In the rows ft is trained on, `billing` and `shipping` are swapped."""
    swap = {"billing": "shipping", "shipping": "billing"}
    target = read_training("intent")
    for row in target:
        answer = row["messages"][-1]
        answer["content"] = swap.get(answer["content"], answer["content"])
    train(exam, target=target)


@fault("leak", "Somebody adds the failed cases to the training data; the run is not told of that data.")
def trained_on_cases_untold(exam: Exam) -> None:
    """The training rows hold every case of `data/intent.jsonl`, three times; `--ft-train-data` is not given."""
    train(exam, target=_with_cases(exam))


@fault("leak", "Somebody adds the failed cases to the training data; the run is told of that data.")
def trained_on_cases(exam: Exam) -> None:
    """The same, and `--ft-train-data` names the rows."""
    trained_on_cases_untold.inject(exam)
    exam.options["ft-train-data"] = "train/intent.jsonl"


def _with_cases(exam: Exam) -> list[Row]:
    seen = [_chat(case["prompt"], case["expected"]) for case in exam.rows("intent")]
    return [*(3 * seen), *read_training("intent")]


@fault("leak", "Rows were written by a model that was shown the held-out set.")
def trained_on_near_copies(exam: Exam) -> None:
    """Of the training rows that the run is told of, 60 are cases of `intent` with a word added."""
    near = [_chat(f"{case['prompt'].rstrip('.')} please.", str(case["expected"])) for case in exam.rows("intent")[:60]]
    write_rows(exam.folder / "train" / "intent.jsonl", [*near, *read_training("intent")])
    exam.options["ft-train-data"] = "train/intent.jsonl"


def _chat(prompt: str, answer: str) -> Row:
    messages = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
    return {"skill": "intent", "messages": messages}


FINE_TUNES = (
    wrong_template,
    no_generation_prompt,
    missing_bos,
    wrong_eos,
    other_tokenizer,
    shifted_embeddings,
    adapter_of_zeros,
    adapter_keys_unknown,
    adapter_of_another_base,
    adapter_scaled_wrong,
    base_given_as_ft,
    roles_swapped,
    early_step,
    layer_of_zeros,
    weights_not_finite,
    quantised_badly,
    quantised_to_8_bits,
    trained_without_replay,
    trained_by_heart,
    labels_swapped_in_training,
    trained_on_cases_untold,
    trained_on_cases,
    trained_on_near_copies,
)
