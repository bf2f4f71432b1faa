# Two commands do all the set-up they need: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo guide test prove-all coverage pythons dist bench mutation screenshots check release system for-tests clean

demo: $(VENV)/ready
	rm -rf demo && mkdir demo
	cp -R source solutions nbgrader_config.py examples/submitted demo/
	@cd demo && workbook grade; status=$$?; [ $$status -le 1 ] || exit $$status; \
	workbook feedback; [ $$? -le 1 ] || exit 2; \
	echo "Gradebook: demo/gradebook.db (SQLite). Graded notebooks: demo/autograded/."; \
	echo "Feedback for students, one page each: demo/feedback/STUDENT/ASSIGNMENT/ASSIGNMENT.html"; \
	echo "Two of the submissions are beyond grading on purpose, so workbook grade ended with status $$status."

# The guide as pages that need no network. What ran is kept, and run again where a page changed.
guide: $(VENV)/ready
	python -m sphinx -W --keep-going -n -q -b html -d docs/guide/_build/doctrees \
	  docs/guide docs/guide/_build/html
	rm -rf release/guide && cp -R docs/guide/_build/html release/guide
	@# What only a debugger of the theme reads is a third of it.
	@find release/guide -name '*.map' -delete && rm -rf release/guide/_sources
	@echo "The guide: release/guide/index.html (workbook guide opens it)"

test: check | for-tests
	python -m pytest -q -n auto --dist loadgroup

# What a release of a version runs: every notebook with many seeds, every mutant, and all tests, also
# those that `make test` leaves out (marked `release`, or `settled` and passed since the last change).
# Takes more than an hour on two cores.
prove-all: $(VENV)/ready | for-tests
	workbook prove --seeds 50
	python -m pytest -q -n auto --dist loadgroup -m ""
	$(MAKE) mutation pythons

# Which lines and branches the tests reach: a report, and no gate. Takes longer than the tests.
coverage: $(VENV)/ready | for-tests
	python -m coverage erase
	-python -m coverage run -m pytest -q -n auto --dist loadgroup
	python -m coverage combine --quiet
	python -m coverage report

# A fast part of the tests under every Python of this machine, from 3.11 to 3.14. An environment
# each: PyTorch's default build for Linux makes it one of 5.5 GB.
pythons:
	$(PYTHON) -m tests.pythons

# The sdist and the wheel, the latter made from the former, as a package index wants them.
dist: guide
	rm -rf dist
	python -m build --no-isolation
	twine check --strict dist/*

# Beside stock nbgrader, on the same submissions; best on a machine that does nothing else.
bench: $(VENV)/ready
	python -m benchmarks

# Which mutants of the solutions the tests catch; takes about twenty minutes.
mutation: $(VENV)/ready
	python -m pip install --quiet --disable-pip-version-check --editable ".[mutation]"
	python -m tests.mutation

# The pictures of the documentation, of a running JupyterLab and of graded examples.
screenshots: guide | for-tests
	python -m tests.screenshots

check: $(VENV)/ready
	ruff check .
	ruff format --check .
	mypy

release: $(VENV)/ready
	workbook release
	python examples/make.py

$(VENV)/ready: pyproject.toml | system
	$(PYTHON) -m venv $(VENV)
	# First and exactly this one: a looser requirement may take gigabytes of GPU libraries.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $@

# The sandbox needs bubblewrap, and Debian keeps venv in a package of its own. With root or
# password-less sudo they are installed here.
system:
	@missing=""; \
	command -v bwrap > /dev/null || missing="bubblewrap"; \
	$(PYTHON) -c "import ensurepip" 2> /dev/null || missing="$$missing python3-venv"; \
	[ -z "$$missing" ] && exit 0; \
	if [ "$$(id -u)" = 0 ]; then root=""; elif sudo -n true 2> /dev/null; then root=sudo; \
	else echo "First install what is missing: sudo apt-get install $$missing"; exit 1; fi; \
	$$root apt-get update -qq && $$root apt-get install -y -qq $$missing > /dev/null

# A PostgreSQL server and a browser for the tests that need them, where they can be installed;
# those tests are skipped elsewhere.
for-tests:
	@missing=""; \
	command -v pg_ctl > /dev/null || ls /usr/lib/postgresql/*/bin/pg_ctl > /dev/null 2>&1 || \
	  missing="postgresql"; \
	command -v chromium > /dev/null || missing="$$missing chromium"; \
	[ -z "$$missing" ] && exit 0; \
	if [ "$$(id -u)" = 0 ]; then root=""; elif sudo -n true 2> /dev/null; then root=sudo; \
	else echo "Some tests are skipped without: sudo apt-get install $$missing"; exit 0; fi; \
	$$root apt-get update -qq && $$root apt-get install -y -qq $$missing > /dev/null

clean:
	rm -rf demo dist .pythons $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* *.egg-info
