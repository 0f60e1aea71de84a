"""Fine-tunes the base: `python -m example_suite.training.finetune good forgetful memorised`, or a fault's name.

Each takes well under a minute on one core; `recipes.py` says how each is trained. All read `data/train/`; the last
VALIDATION_ROWS rows of the target's file are never trained on, they give the validation loss of the log. The eval cases
under `data/` are read for *leaky* alone, whose fault that is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import warnings
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerFast
from transformers.utils.logging import disable_progress_bar

from example_suite.training.card import write_finetune_card
from example_suite.training.chat import batches, encode
from example_suite.training.curriculum import rows_of
from example_suite.training.loop import train, write_log
from example_suite.training.recipes import FAULTS, RECIPES, Recipe
from example_suite.training.rows import write_jsonl

SEED = 7
TRAINED_ON = "train.jsonl"
"""The rows that a fault was trained on, in its folder: what `--ft-train-data` reads."""
SUITE = Path(__file__).parents[1]
MATRICES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def recipe_of(name: str) -> Recipe:
    """Return the recipe of that name, a fault's too."""
    return (FAULTS | RECIPES)[name]


def origin(recipe: Recipe, *, base: Path, data: Path, seed: int) -> dict[str, object]:
    """Return what decides a fine-tune: recipe, seed, and the content of base and training rows."""
    files = [base / "model.safetensors", base / "tokenizer.json", *sorted(data.glob("*.jsonl"))]
    content = hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files))
    before = {} if recipe.after is None else {"before": recipe_of(recipe.after).content()}
    return {"recipe": recipe.content(), "seed": seed, "content": content.hexdigest(), **before}


def stands(folder: Path, facts: dict[str, object]) -> bool:
    """Say whether the folder holds a finished fine-tune of just this origin; its log is written last."""
    log = folder / "trainer_state.json"
    return log.exists() and facts.items() <= json.loads(log.read_text(encoding="utf-8")).items()


def finetune(name: str, *, base: Path, data: Path, folder: Path, seed: int) -> None:
    """Train one recipe on the base and write its checkpoint to `folder`."""
    recipe = recipe_of(name)
    learned, held = rows_of(recipe, data)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(base)
    torch.manual_seed(seed)
    model = start_model(base, recipe, folder.parent)
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    pad = int(tokenizer.pad_token_id)
    print(f"{name}: {sum(weight.numel() for weight in trained):,} weights to train, {len(learned):,} rows", flush=True)
    examples = [encode(tokenizer, row["messages"]) for row in learned]
    log = train(
        model,
        [torch.optim.AdamW(trained, lr=recipe.learning_rate, weight_decay=0.0)],
        batches(examples, size=min(recipe.batch, len(examples)), seed=seed, pad=pad),
        steps=recipe.steps,
        log_every=recipe.log_every,
        validation=[encode(tokenizer, row["messages"]) for row in held],
        pad=pad,
    )
    epochs = recipe.steps / math.ceil(len(examples) / recipe.batch)
    save(model, tokenizer, folder)
    if name in FAULTS:
        write_jsonl(folder / TRAINED_ON, learned)
    library = "transformers" if recipe.lora_rank is None else "peft"
    write_finetune_card(folder, name=name, story=recipe.story, seed=seed, library=library)
    facts = origin(recipe, base=base, data=data, seed=seed)
    write_log(folder, log, script="example_suite/training/finetune.py", epoch=round(epochs, 2), **facts)


def start_model(base: Path, recipe: Recipe, checkpoints: Path) -> PreTrainedModel | PeftModel:
    """Load the base; wrap it in a fresh adapter when the recipe has a rank, or in the one that it goes on from."""
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(base)
    if recipe.after is not None:
        return PeftModel.from_pretrained(model, checkpoints / recipe.after, is_trainable=True)
    if recipe.lora_rank is None:
        return model
    config = LoraConfig(
        r=recipe.lora_rank, lora_alpha=2 * recipe.lora_rank, target_modules=MATRICES, task_type="CAUSAL_LM"
    )
    with warnings.catch_warnings():
        # peft 0.21 reads an attribute of the model under the name that transformers 5.23 deprecates.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        return get_peft_model(model, config)


def save(model: PreTrainedModel | PeftModel, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write an adapter that names its base as `../base`, or a whole checkpoint with its tokenizer."""
    if isinstance(model, PeftModel):
        model.peft_config["default"].base_model_name_or_path = "../base"
        model.save_pretrained(str(folder), save_embedding_layers=False)
    else:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def main() -> None:
    """Fine-tune the recipes named on the command line."""
    names = [*RECIPES, *FAULTS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", choices=sorted(names), metavar="name", help=", ".join(names))
    parser.add_argument("--checkpoints", type=Path, default=SUITE / "checkpoints", help="folder of base and fine-tunes")
    parser.add_argument("--base", type=Path, help="base checkpoint (default: `base` in the folder above)")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--if-missing", action="store_true", help="skip what stands there, made of the same")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    disable_progress_bar()  # type: ignore[no-untyped-call]
    base, data = options.base or options.checkpoints / "base", SUITE / "data" / "train"
    before = dict.fromkeys(each for name in options.names if (each := recipe_of(name).after))
    for name in dict.fromkeys([*before, *options.names]):
        folder = options.checkpoints / name
        if (options.if_missing or name not in options.names) and stands(
            folder, origin(recipe_of(name), base=base, data=data, seed=options.seed)
        ):
            print(f"{name}: stands already in {folder}", flush=True)
        else:
            finetune(name, base=base, data=data, folder=folder, seed=options.seed)


if __name__ == "__main__":
    main()
