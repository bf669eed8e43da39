# Two commands matter: `make run` and `make test`. Everything sets itself up.
PYTHON ?= python3
BIN := .venv/bin
# Compiled modules are kept: without them every start costs seconds.
export PYTHONDONTWRITEBYTECODE :=
PREPARE := $(PYTHON) cli/prepare.py

.PHONY: run test test-all check bench bench-peers chaos chaos-inbox mutants lock clean help
.DEFAULT_GOAL := help

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run:  ## start Guichet with a rehearsal company, its staff and its customers
	@$(PREPARE) run
	@$(BIN)/guichet run --demo

test:  ## the whole suite on the embedded defaults (under 8 minutes on 2 cores)
	@$(PREPARE) test
	@$(BIN)/python -m cli.testing default

test-all:  ## that on PostgreSQL and Redis too, with a browser and the networks' real servers
	@$(PREPARE) test-all
	@$(BIN)/python -m cli.testing all

check:  ## formatting, lint, types and import directions
	@$(PREPARE) test
	@$(BIN)/python -m cli.testing check

bench:  ## the benchmarks; prints ratios
	@$(PREPARE) test
	@$(BIN)/python -m bench

bench-peers:  ## an agent's pages beside django-helpdesk's and Request Tracker's (apt; half an hour; TICKETS=5000)
	@$(PREPARE) test
	@$(BIN)/python -m bench.peers --tickets $(or $(TICKETS),200000)

chaos:  ## the proof: kill, freeze, crash and wipe while posts go out (SEED="1 2", DATABASE="sqlite")
	@$(PREPARE) test
	@$(BIN)/python -m pytest -q -s -m "chaos or proof" tests/simulation tests/chaos
	@$(BIN)/python -m tests.chaos --seed $(or $(SEED),1 2 3 4 5) --database $(or $(DATABASE),postgresql sqlite)

chaos-inbox:  ## the proof of receiving: 20,000 webhooks and 200 kills (SEED="1", DATABASE="sqlite", SHARE=0.1)
	@$(PREPARE) test
	@$(BIN)/python -m pytest -q -s -m "chaos or proof" tests/chaos/test_inbox.py tests/channels/test_email_mutations.py tests/journeys/test_hostile.py
	@$(BIN)/python -m tests.chaos.inbox --seed $(or $(SEED),1) --database $(or $(DATABASE),postgresql sqlite) --share $(or $(SHARE),1)

mutants:  ## how much of the publisher's core its tests hold (about half an hour)
	@$(PREPARE) test
	@$(BIN)/python -m uv pip install -q --require-hashes -r requirements/mutants.txt
	@$(BIN)/python -m mutmut run --max-children $(or $(CHILDREN),2)
	@$(BIN)/python -m mutmut results

lock:  ## renew the hashed locks from requirements/*.in
	@for f in bootstrap runtime dev node real mutants peers; do \
	  $(BIN)/python -m uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header \
	    --python-version 3.11 requirements/$$f.in -o requirements/$$f.txt --upgrade; done

clean:  ## remove what was set up and built; keeps var/, where your data is
	rm -rf .venv .make webapp/ui/node_modules webapp/static/app build .pytest_cache .mypy_cache .ruff_cache .hypothesis
