# The first Python on the PATH that is a 3.11 or 3.12 and starts; asked for by setup alone.
IS_OURS := import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))
PYTHON ?= $(shell for name in python3 python3.12 python3.11; do $$name -c "$(IS_OURS)" 2>/dev/null && echo $$name && break; done)
NO_PYTHON = $(error soundalike needs Python 3.11 or 3.12, and neither python3 nor python3.12 nor python3.11 on the PATH is one)
SAMPLE := build/sample
DUMP := $(SAMPLE)/acousticbrainz/acousticbrainz-highlevel-json-20220623
SOURCES := --set sources.acousticbrainz.uris=$(DUMP) --set sources.mpd.uri=$(SAMPLE)/mpd
TABLES := build/tables

.PHONY: help setup run test test-fast check bench bench-neighbors package
.DEFAULT_GOAL := help

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' $(MAKEFILE_LIST) | expand -t 24

setup:  ## .venv, Java if there is none, jars; again any time, it does what is missing
	@$(or $(PYTHON),$(NO_PYTHON)) scripts/setup.py

run: setup  ## 2,000 sample documents and 500 playlists through the whole pipeline, under build/
	@.venv/bin/python scripts/make_sample.py --out $(SAMPLE) --documents 2000 --archives 3 --seed 1 --playlists 500
	@.venv/bin/python scripts/submit.py --target local pipeline -- --set storage.root=$(TABLES) $(SOURCES)
	@.venv/bin/python scripts/show_run.py --root $(TABLES) --truth $(SAMPLE)/truth.json

test: setup  ## the whole test suite
	.venv/bin/pytest --durations=10

test-fast: setup  ## the tests that need no Java
	.venv/bin/pytest -m "not spark"

check: setup  ## format, lint, types, who imports whom
	.venv/bin/ruff format --check . && .venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports --cache-dir build/cache/imports

bench: setup  ## the benchmarks, half an hour; BENCH="--documents 2000 --entries 20000" changes sizes
	@.venv/bin/python -m benchmarks $(BENCH)

bench-neighbors: setup  ## neighbor lists from 100,000 to 3,000,000 vectors and faiss beside them; BENCH="--sizes 20000 --peer-rows 50000"
	@.venv/bin/python -m benchmarks.neighbors $(BENCH)

package: setup  ## build/soundalike.zip, the code for executors
	@.venv/bin/python scripts/package.py
