# make demo · env · test · test-quick · test-slow · fuzz · check · bench · kodak · space · web · space-static · wheel        `make` alone lists them

PYTHON := $(firstword $(foreach p,python3.13 python3.12 python3.11 python3,$(shell $(p) -c 'import ensurepip, sys; (3,11) <= sys.version_info[:2] <= (3,13) and print("$(p)")' 2>/dev/null)))
# The CUDA libraries are gigabytes: only where a driver is there to use them
CUDA := $(if $(PYTHON),$(shell $(PYTHON) -c 'import ctypes; ctypes.CDLL("libcuda.so.1"); print("yes")' 2>/dev/null))
NPM := $(shell command -v npm 2>/dev/null)
DEMO_REQUIREMENTS := demo/requirements.txt $(if $(CUDA),demo/requirements-cuda.txt)
DEMO := .venv-demo/made$(if $(CUDA),-with-cuda)
PYTEST := .venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

help:
	@echo 'make demo         the page, at http://127.0.0.1:7860'
	@echo 'make web          the page that runs in the browser alone, at http://127.0.0.1:4173'
	@echo 'make wheel        the package lumachrome, in dist/'
	@echo 'make env          the environment .venv, for training, export and tests'
	@echo 'make test-quick   most tests, in a minute: no browser, no training'
	@echo 'make test         what every change must pass: check, and all tests but the slow ones'
	@echo 'make test-slow    the slow ones'
	@echo 'make fuzz MINUTES=10   damaged files, made up anew each time'
	@echo 'make check        format, lint and types, Containerfiles too'
	@echo 'make bench        speed, as ratios'
	@echo 'make kodak        how good the network that ships is, on 24 photos that everybody may have'
	@echo 'make space REPO=user/name   the page as a Space on Hugging Face'
	@echo 'make space-static REPO=user/name   the page that runs in the browser alone, as a Space that is free for all'

demo: $(DEMO)
	.venv-demo/bin/python -m demo

env: .venv/made

test-quick: env
	$(PYTEST) -m 'not browser and not training and not install and not startup and not fuzz and not slow'

test: env check
	$(PYTEST) -m 'not slow'

test-slow: env
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -r tests/requirements-slow.txt
	$(PYTEST) -m slow

fuzz: env
	.venv/bin/python -m tests.fuzz --minutes $(or $(MINUTES),10)

check: env check-types $(if $(NPM),check-static)
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/hadolint Containerfile Containerfile.cuda

check-static: demo/web/node_modules/.package-lock.json
	cd demo/web && npm run --silent lint && npm run --silent types && npm test --silent

demo/web/node_modules/.package-lock.json: demo/web/package-lock.json
	cd demo/web && npm ci --no-audit --no-fund && touch node_modules/.package-lock.json

# pyright brings its own Node as a wheel: nothing is fetched when it runs. It would believe the .pyi that Gradio wrote
# beside our components when they were others, and Gradio never renews.
check-types: env
	rm -f demo/page/*.pyi
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 .venv/bin/pyright

# Memory, an hour of visitors and photos over a thousand megapixels are for themselves: tests/benchmarks
bench: env
	for b in tail join peers album archive servers page browser flicker cuda; do echo "== $$b"; .venv/bin/python -m tests.benchmarks.$$b || exit 1; done

kodak: env
	.venv/bin/python -m training evaluate --model lumachrome/models/lumachrome.onnx \
		--photos tests/benchmarks/kodak24 --hints --spill --out runs/kodak24

space: $(if $(REPO),$(DEMO))
	@test -n '$(REPO)' || { echo 'Say where to, logged in by .venv-demo/bin/hf auth login: make space REPO=user/name'; exit 1; }
	.venv-demo/bin/python -m demo.publish '$(REPO)'

space-static: $(if $(REPO),$(DEMO) web-built)
	@test -n '$(REPO)' || { echo 'Say where to, logged in by .venv-demo/bin/hf auth login: make space-static REPO=user/name'; exit 1; }
	.venv-demo/bin/python -m demo.publish --static '$(REPO)'

web: web-built
	cd demo/web && npm run --silent serve

web-built: demo/web/node_modules/.package-lock.json
	cd demo/web && npm run --silent build

wheel: $(DEMO)
	.venv-demo/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	@ls dist/lumachrome-*.whl

# Made anew only when the requirements change; a half-made one has no `made` in it.
$(DEMO): $(DEMO_REQUIREMENTS)
	$(call environment,.venv-demo,$(DEMO_REQUIREMENTS))

.venv/made: requirements.txt demo/requirements.txt
	$(call environment,.venv,requirements.txt)

define environment
	@test -n '$(PYTHON)' || { echo 'Lumachrome needs Python 3.11, 3.12 or 3.13 with venv, and none was found: on Debian and Ubuntu apt install python3-venv, elsewhere install Python from python.org.'; exit 1; }
	@rm -rf $(1)
	$(PYTHON) -m venv $(1)
	@echo 'Installing into $(1): this takes a minute or two, once.'
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check $(foreach r,$(2),-r $(r))
	@touch $@
endef

# Without npm, this says what to install
demo/web/node_modules/.package-lock.json: | $(if $(NPM),,npm-missing)

npm-missing:
	@echo 'The page in the browser is built by Node 20 or newer, and no npm was found: get it from nodejs.org.'; exit 1

.PHONY: web web-built space-static npm-missing help demo env test test-quick test-slow fuzz check check-static check-types bench kodak space wheel
