# make help says what there is. Works with GNU make 3.81 and newer.

PROFILE ?= smoke
NOTEBOOKS ?=
# Training in small batches leaves part of two cores idle; the larger profiles are measured one at a time.
JOBS ?= $(if $(filter smoke,$(PROFILE)),2,1)
BACKEND ?= $(or $(KERAS_BACKEND),tensorflow)
PRECISION ?= $(or $(NERVEKIT_PRECISION),auto)
DATA ?=
SEED ?= 0
# Far apart: a run of several starts or folds counts on from its seed, and two runs must not share any.
SEEDS ?= 0 1000 2000 3000 4000
NOT_PINNED ?=
MORE ?=
NBARGS ?=
TESTARGS ?=
TESTJOBS ?= 2
LABARGS ?=
RUNS ?= runs
VENV ?= .venv
PYTHON ?= python3

PY := $(VENV)/bin/python
NERVEKIT := $(PY) -m nervekit
READY := $(VENV)/.ready
BACKEND_READY := $(patsubst %,$(VENV)/.ready-%,$(filter jax torch,$(BACKEND)))
# The environment holds nervekit by the path of this folder: .ready says which, for a folder may be copied or moved.
HERE := $(shell test -x '$(PY)' && test "`cat '$(READY)' 2>/dev/null`" = "`pwd -P`" && echo yes)

# What results depend on: all of the package but the parts that only run, check and report.
ALONGSIDE := arguments check cli colab engine expected junit kernel notebooks overview progress report results run seeds settings verdicts workspace __main__
PACKAGE := $(filter-out $(ALONGSIDE:%=nervekit/%.py),$(wildcard nervekit/*.py nervekit/*/*.py nervekit/*/*/*.py \
	nervekit/*/*.toml nervekit/*/*/*.csv)) requirements.lock

# Cores for each of so many processes side by side.
share = $$(n=`nproc 2>/dev/null || getconf _NPROCESSORS_ONLN`; echo $$((n > $(1) ? n / $(1) : 1)))

FOUND := $(foreach name,$(basename $(notdir $(NOTEBOOKS))),$(wildcard notebooks/source/$(name).py notebooks/source/$(name)_*.py))
NAMES := $(sort $(basename $(notdir $(if $(NOTEBOOKS),$(FOUND),$(wildcard notebooks/source/*.py)))))
OUT := $(RUNS)/$(PROFILE)
RESULTS := $(NAMES:%=$(OUT)/%.ipynb)
STAMPS := $(NAMES:%=$(OUT)/.%.settings)

# Notebook 10 reads what the others left: it runs when they have ended, however they did.
LAST := $(patsubst %,$(OUT)/%.ipynb,$(filter 10_%,$(NAMES)))

.PHONY: help test slow oldest lint lab run-all checked results last settings expected report sync clean FORCE
.DEFAULT_GOAL := help

help:
	@echo 'make test       environment, lint, unit tests, notebooks in step with their sources, pinned outputs'
	@echo 'make slow       every network learns four images by heart, a hundred simulated cases, fifty kills of a run'
	@echo 'make oldest     the tests with the oldest versions allowed, in an environment of its own'
	@echo 'make run-all    run and check the notebooks: PROFILE=smoke|workshop|paper NOTEBOOKS="02 03" JOBS=1'
	@echo '                BACKEND=tensorflow|jax|torch PRECISION=auto|bfloat16|float32 DATA=auto|real|phantom'
	@echo '                SEED=0 NBARGS="--timeout 900"'
	@echo 'make lab        JupyterLab in the notebooks folder; LABARGS="--no-browser --allow-root"'
	@echo 'make report     the page of claims of the committed results, or of a PROFILE= if given, and the table in README'
	@echo 'make expected   run over SEEDS="0 1000 ..." and write expected/PROFILE.json; NOT_PINNED="KEY ..." by floor alone,'
	@echo '                MORE=1 counts the seeds beside those already pinned'
	@echo 'make sync       make the notebooks from notebooks/source, outputs stripped but those of pinned cells'
	@echo 'make lint       ruff only'
	@echo 'make clean      remove runs, notebooks/runs and caches, keep the environment'

# The environment: made once, brought up to date when the lock changes or the folder moves. A broken one is made anew.
$(READY): requirements.lock pyproject.toml $(if $(HERE),,FORCE)
	@test ! -e '$(VENV)' || test -f '$(VENV)/pyvenv.cfg' || test -x '$(PY)' || test -h '$(PY)' || { \
		echo 'VENV=$(VENV) is there and is no Python environment. Nothing was changed; name another folder.' >&2; exit 1; }
	@echo 'Preparing the environment in $(VENV) (once, a few minutes) ...'
	@$(PY) -c 'import pip, sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1 \
		|| { test ! -d '$(VENV)/conda-meta' || { echo '$(VENV): make this conda environment anew from environment.yml.' >&2; \
		exit 1; }; $(PYTHON) -c 'import sys; sys.exit("The environment of nervekit needs Python 3.11 to 3.13, $(PYTHON) is " \
		+ sys.version.split()[0] + ". Try: make PYTHON=python3.12 ...") if not (3, 11) <= sys.version_info < (3, 14) else None' \
		&& $(PYTHON) -m venv --clear $(VENV); }
	@$(PY) -m pip install --quiet --requirement requirements.lock
	@$(PY) -m pip install --quiet --no-deps --no-build-isolation --editable .
	@pwd -P > $@

# Extras of pyproject.toml: another backend for a run.
$(addprefix $(VENV)/.ready-,jax torch): $(VENV)/.ready-%: $(READY)
	@$(PY) -m pip install --quiet --constraint requirements.lock --editable '.[$*]'
	@touch $@

lint: $(READY)
	$(PY) -m ruff check .

# A file is the share of one process: its tests share what is slow to make.
test: lint
	TF_NUM_INTRAOP_THREADS=$${TF_NUM_INTRAOP_THREADS:-$(call share,$(TESTJOBS))} \
	$(PY) -m pytest --numprocesses $(TESTJOBS) --dist loadfile --no-loadscope-reorder $(TESTARGS)

# The tests of which make test takes a few cases alone.
slow: $(READY)
	NERVEKIT_SLOW=1 $(PY) -m pytest --numprocesses $(TESTJOBS) --dist loadfile tests/models/test_overfit.py \
		tests/test_crossval.py tests/test_determinism.py tests/test_evaluation.py tests/test_kills.py tests/test_makefile.py \
		$(TESTARGS)

# The tests with the oldest versions that pyproject.toml allows, in .venv-oldest.
oldest:
	$(PYTHON) .ci/oldest $(TESTARGS)

# JUPYTER_PREFER_ENV_PATH: this environment's kernel goes before a user's of the same name.
# No notebook takes all memory of a GPU: another may be open.
# Notebooks run in their folder, where relative paths would name something else.
lab: $(READY) $(BACKEND_READY)
	JUPYTER_PREFER_ENV_PATH=1 KERAS_BACKEND='$(BACKEND)' NERVEKIT_PRECISION='$(PRECISION)' \
	TF_FORCE_GPU_ALLOW_GROWTH=$${TF_FORCE_GPU_ALLOW_GROWTH:-true} \
	XLA_PYTHON_CLIENT_PREALLOCATE=$${XLA_PYTHON_CLIENT_PREALLOCATE:-false} \
	$(foreach name,NERVEKIT_DATA NERVEKIT_CACHE,$(if $($(name)),$(name)="$$($(PY) -c 'import os, sys; print(os.path.abspath(os.path.expanduser(sys.argv[1].strip())))' "$$$(name)")")) \
	$(PY) -m jupyterlab --ServerApp.root_dir=notebooks $(LABARGS)

# Runs what is not up to date, in JOBS processes, to the end even if one fails; then checks all of it.
run-all: $(READY) $(BACKEND_READY)
	@$(NERVEKIT) run --list $(NOTEBOOKS) --profile '$(PROFILE)' --backend '$(BACKEND)' --precision '$(PRECISION)' --data '$(DATA)' --seed '$(SEED)' >/dev/null
	@status=0; $(MAKE) --no-print-directory --keep-going -j$(JOBS) results || status=1; \
	$(MAKE) --no-print-directory last || status=1; \
	echo; $(MAKE) --no-print-directory checked || status=1; exit $$status

checked:
	@$(NERVEKIT) check $(if $(NOTEBOOKS),$(NAMES)) --profile $(PROFILE) --runs $(RUNS) --report $(UNCHECKED)

# Of a profile for which nothing is expected yet only that every notebook ran, and its floors, are looked at. Never smoke.
UNCHECKED = $(if $(filter-out smoke,$(PROFILE)),$(if $(wildcard expected/$(PROFILE).json),,--without-expected))

# Side by side from the last, which are the longest: none of them is left to run alone at the end.
reverse = $(if $(1),$(call reverse,$(wordlist 2,$(words $(1)),$(1))) $(firstword $(1)))
results: $(if $(filter 1,$(JOBS)),$(filter-out $(LAST),$(RESULTS)),$(call reverse,$(filter-out $(LAST),$(RESULTS))))
	@:

last: $(LAST)
	@:

$(LAST): $(wildcard nervekit/check.py nervekit/notebooks.py nervekit/report.py nervekit/results.py nervekit/seeds.py nervekit/verdicts.py results/*/*.json expected/*.json) \
	$(filter-out $(LAST:.ipynb=.json),$(wildcard $(OUT)/*.json))

# Notebooks side by side share the cores: with all of them for each, TensorFlow's take a fifth longer, and PyTorch's, whose
# threads wait for each other in a loop, several times as long.
TOLD := $(if $(filter torch,$(BACKEND)),OMP_NUM_THREADS,$(if $(filter tensorflow,$(BACKEND)),TF_NUM_INTRAOP_THREADS))
THREADS := $(if $(TOLD),$(TOLD)=$${$(TOLD):-$(call share,$(JOBS))})

$(RESULTS): $(OUT)/%.ipynb: notebooks/source/%.py $(PACKAGE) $(OUT)/.%.settings | $(READY)
	@$(THREADS) $(NERVEKIT) run $* --profile $(PROFILE) --backend $(BACKEND) --precision $(PRECISION) --data '$(DATA)' --seed $(SEED) \
		--runs $(RUNS) $(NBARGS)

# The settings of the last run; rewritten, and so newer than its results, when they differ from those asked for, or when
# a set that the notebook may take, a patient of the CT set or a subject of the brachial one has come or gone.
settings: | $(READY)
	@$(NERVEKIT) run $(NAMES) --settings --profile '$(PROFILE)' --backend '$(BACKEND)' --precision '$(PRECISION)' \
		--data '$(DATA)' --seed '$(SEED)' --runs $(RUNS)

$(STAMPS): settings
	@test -f $@

FEW_SEEDS = Tolerances need at least 5 seeds; SEEDS has $(words $(sort $(SEEDS))). With fewer: \
	$(NERVEKIT) expected $(NAMES) --profile $(PROFILE) --seeds $(SEEDS) --provisional --runs $(RUNS)/expected \
	--backend $(BACKEND) --precision $(PRECISION) $(if $(DATA),--data $(DATA))

COUNTED = $(if $(filter-out 0 no,$(MORE)),--more)

expected: $(READY) $(BACKEND_READY)
	@$(if $(or $(COUNTED),$(word 5,$(sort $(SEEDS)))),,$(error $(FEW_SEEDS))):
	@$(NERVEKIT) expected --list $(NOTEBOOKS) --profile '$(PROFILE)' --seeds $(SEEDS) $(COUNTED) >/dev/null
	@for seed in $(SEEDS); do $(MAKE) --no-print-directory --keep-going -j$(JOBS) results SEED=$$seed \
		RUNS=$(RUNS)/expected/seed-$$seed || exit 1; \
		$(MAKE) --no-print-directory last SEED=$$seed RUNS=$(RUNS)/expected/seed-$$seed || exit 1; done
	@$(NERVEKIT) expected $(NAMES) --profile $(PROFILE) --seeds $(SEEDS) --runs $(RUNS)/expected --reuse \
		--backend '$(BACKEND)' --precision '$(PRECISION)' --data '$(DATA)' $(COUNTED) \
		$(if $(NOT_PINNED),--not-pinned $(NOT_PINNED))

report: $(READY)
	@$(NERVEKIT) report $(if $(filter file,$(origin PROFILE)),,--profile '$(PROFILE)') --runs $(RUNS) --readme README.md

sync: $(READY)
	@$(NERVEKIT) sync $(NOTEBOOKS)

# What runs leave in their folder, which may hold other things.
MADE = smoke workshop paper expected float32 report.md

clean:
	rm -rf $(foreach one,$(MADE),'$(RUNS)/$(one)') notebooks/runs .pytest_cache .ruff_cache
	@rmdir '$(RUNS)' 2>/dev/null || :
	find nervekit tests -name __pycache__ -type d -prune -exec rm -rf {} +
