# One-line targets. uv is taken from the PATH, or installed into .tools when it is missing.
UV := $(shell command -v uv || echo .tools/bin/uv)
RUN := $(UV) run --frozen
NEEDS_UV := $(filter .tools/%,$(UV))
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Compiled once, not at each start: half of a start would go into it.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run check test test-slow test-live test-vllm bench lock backup restore install install-dev page chromium

run: install
	@$(RUN) --no-dev python -m chat_app

check: install-dev
	@$(RUN) ruff format --check --quiet . && $(RUN) ruff check --quiet . && $(RUN) pyright && $(RUN) lint-imports --no-cache

# In their order, so that what a package's tests share is started once for each process.
test: page chromium
	@$(RUN) pytest -m "not slow and not vllm and not live" -n 2 --dist loadscope --no-loadscope-reorder --cov=chat_app --cov-report=
	@$(RUN) coverage report --skip-covered --fail-under=90
	@$(RUN) coverage report --include="chat_app/events.py,chat_app/messages.py,chat_app/errors.py" --fail-under=100

test-slow: page chromium
	@$(RUN) pytest -m slow

test-live: install-dev
	@$(RUN) pytest -m live

test-vllm: page chromium
	@tests/vllm/install.sh && $(RUN) pytest -m vllm

bench: page chromium
	@for name in stream page tabs server gateway search; do $(RUN) python -m benchmarks.bench_$$name; done

lock: install-dev
	@$(UV) lock && REFLEX_USE_NPM=1 $(RUN) reflex export --frontend-only --no-zip --loglevel warning

backup: install
	@$(RUN) --no-dev python -m chat_app.backup save $(FILE)

restore: install
	@$(RUN) --no-dev python -m chat_app.backup load $(FILE)

install: $(NEEDS_UV)
	@echo "Installing Python packages …" && $(UV) sync --frozen --no-dev --inexact --quiet

install-dev: $(NEEDS_UV)
	@$(UV) sync --frozen --quiet

.tools/bin/uv:
	@echo "Installing uv …"
	@python3 -m venv .tools || { echo "Install uv, or what python3 -m venv needs: on Debian python3-venv."; rm -rf .tools; exit 1; }
	@.tools/bin/pip install --quiet uv

# Built before the tests, so that none of them waits for npm.
page: install-dev
	@$(RUN) python -c "from chat_app.__main__ import build; build()"

chromium: install-dev
	@$(RUN) python tests/chromium.py
