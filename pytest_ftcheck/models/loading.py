"""Checkpoints as models in memory: one load for all roles whose weights are equal, adapters on top of it.

It knows transformers and PEFT, nothing of requests.
"""

from __future__ import annotations

import contextlib
import gc
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import transformers
import transformers.modeling_utils  # what every model needs: now, while pytest collects, not when the first is loaded
from safetensors import SafetensorError, safe_open
from transformers.utils import logging as transformers_logging

from pytest_ftcheck.errors import EngineError
from pytest_ftcheck.models.checkpoints import embedding_of, tokenizer_folder
from pytest_ftcheck.models.protocol import EngineOptions, ModelSpec

# What reading a faulty or unsuitable checkpoint has been seen to raise; torch's out-of-memory is a RuntimeError.
_LOADING_ERRORS = (
    OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, ImportError, MemoryError, SafetensorError
)  # fmt: skip
_UNUSABLE = ("ForMaskedLM", "ForTokenClassification", "ForQuestionAnswering", "ForMultipleChoice")
_CLASSIFIER = "ForSequenceClassification"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' and PEFT's warnings and progress bars off the terminal, and put things back afterwards."""
    logging: Any = transformers_logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


class Weights:
    """One model in memory, with the adapters that were put on it."""

    def __init__(self, spec: ModelSpec, options: EngineOptions, *, spread: bool = False) -> None:
        """Load the checkpoint of `spec`, without its adapter, onto one device or `spread` over all that are visible.

        Raises EngineError naming it.
        """
        self.digest = spec.weights
        self._options = options
        self._peft: Any = None
        if options.device.startswith("cuda") and not torch.cuda.is_available():
            raise EngineError(f"device is {options.device!r}, but torch {torch.__version__} sees no GPU; allowed: cpu")
        try:
            config = transformers.AutoConfig.from_pretrained(str(spec.path), **_local(options))
            self.is_classifier = _is_classifier(config, spec)
            self.model: Any = _load(spec, config, options, classifier=self.is_classifier, spread=spread)
        except _LOADING_ERRORS as error:
            raise _cannot_load(spec, str(spec.path), error) from error

    @contextlib.contextmanager
    def acting_as(self, spec: ModelSpec) -> Iterator[Any]:
        """Give the model as `spec` has it: with its adapter, or with none, whichever role spoke before."""
        if spec.adapter is None and self._peft is None:
            yield self.model
        elif spec.adapter is None:
            with self._peft.disable_adapter():
                yield self._peft
        else:
            self._put_on(spec.adapter, spec)
            self._peft.set_adapter(spec.role)
            yield self._peft

    def lacks(self, spec: ModelSpec) -> bool:
        """Whether the role has an adapter that was not put on yet."""
        return spec.adapter is not None and (self._peft is None or spec.role not in self._peft.peft_config)

    def _put_on(self, adapter: Path, spec: ModelSpec) -> None:
        if not self.lacks(spec):
            return
        try:
            import peft

            file = adapter / "adapter_model.safetensors"
            if self._peft is None:
                _fit_vocabulary(self.model, file)
                self._peft = peft.PeftModel.from_pretrained(
                    self.model, str(adapter), adapter_name=spec.role, torch_device=self._options.device
                )
            else:
                self._peft.load_adapter(str(adapter), adapter_name=spec.role, torch_device=self._options.device)
            # Without save_embedding_layers=False PEFT may ask the hub about the base.
            put_on = peft.get_peft_model_state_dict(self._peft, adapter_name=spec.role, save_embedding_layers=False)
            _check_adapter(set(put_on), adapter, file, spec)
            self._peft.eval()
        except _LOADING_ERRORS as error:
            raise _cannot_load(spec, f"adapter {adapter} on {spec.path}", error) from error

    def close(self) -> None:
        """Give the memory back to the device."""
        self.model = self._peft = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def load_tokenizer(spec: ModelSpec, options: EngineOptions) -> Any:
    """Load a role's tokenizer. Raises EngineError naming its folder."""
    folder = tokenizer_folder(spec)
    try:
        return transformers.AutoTokenizer.from_pretrained(str(folder), **_local(options))
    except _LOADING_ERRORS as error:
        raise _cannot_load(spec, f"tokenizer of {folder}", error) from error


def _local(options: EngineOptions) -> dict[str, Any]:
    return {"local_files_only": True, "trust_remote_code": options.trust_remote_code}


def _is_classifier(config: Any, spec: ModelSpec) -> bool:
    architecture = str((config.architectures or [""])[0])
    if architecture.endswith(_CLASSIFIER):
        if config.problem_type in ("regression", "multi_label_classification") or config.num_labels < 2:
            raise EngineError(
                f"{spec.path}: {architecture} has problem_type {config.problem_type!r} and {config.num_labels} "
                "labels; allowed: one label of two or more"
            )
        return True
    if architecture.endswith(_UNUSABLE) or config.is_encoder_decoder:
        raise EngineError(
            f"{spec.path}: architecture {architecture!r} cannot answer; allowed: decoder-only language models "
            f"(...ForCausalLM) and ...{_CLASSIFIER}"
        )
    return False


def _load(spec: ModelSpec, config: Any, options: EngineOptions, *, classifier: bool, spread: bool) -> Any:
    auto: Any = transformers.AutoModelForSequenceClassification if classifier else transformers.AutoModelForCausalLM
    model, found = auto.from_pretrained(
        str(spec.path),
        config=config,
        dtype="auto" if options.dtype == "auto" else getattr(torch, options.dtype),
        use_safetensors=not options.allow_pickle or None,
        output_loading_info=True,
        device_map="auto" if spread else None,
        **_local(options),
    )
    # transformers fills what a checkpoint lacks with random numbers and only warns.
    lacking = sorted({*map(str, found["missing_keys"]), *(str(entry[0]) for entry in found["mismatched_keys"])})
    if lacking:
        raise EngineError(f"{spec.path}: its weights lack or misshape {_some(lacking)}; allowed: a whole checkpoint")
    if not spread:
        model.to(options.device)
    model.eval()
    if not classifier:
        _neutralise(model.generation_config)
    return model


def _neutralise(defaults: Any) -> None:
    """Take from a checkpoint's generation defaults what a request decides; penalties and end tokens stay its own."""
    defaults.do_sample = False
    defaults.num_beams = 1
    defaults.num_return_sequences = 1
    for name in ("temperature", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff"):
        setattr(defaults, name, None)
    for name in ("max_length", "max_new_tokens", "min_length", "min_new_tokens", "max_time", "stop_strings"):
        setattr(defaults, name, None)


def _fit_vocabulary(model: Any, file: Path) -> None:
    """Give the model as many token rows as an adapter that brings its own embeddings has."""
    if not file.is_file():
        return
    with safe_open(str(file), framework="pt") as tensors:
        names = [name for name in tensors.keys() if embedding_of(name) in ("embed_tokens", "wte")]  # noqa: SIM118
        rows = tensors.get_slice(names[0]).get_shape()[0] if names else None
    if rows is not None and rows != model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(rows, mean_resizing=False)


def _check_adapter(put_on: set[str], adapter: Path, file: Path, spec: ModelSpec) -> None:
    """Refuse an adapter of which a part was not in the file, or not put on: PEFT only warns, or says nothing."""
    if not file.is_file():
        return
    with safe_open(str(file), framework="pt") as tensors:
        held = set(tensors.keys())
    odd = sorted(name for name in held ^ put_on if embedding_of(name) is None)
    if odd:
        raise EngineError(f"adapter {adapter} does not fit its base {spec.path}: {_some(odd)} on one side only")


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _cannot_load(spec: ModelSpec, what: str, error: BaseException) -> EngineError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return EngineError(f"{spec.role} {what} cannot be loaded: {type(error).__name__}: {reason[:500]}")
