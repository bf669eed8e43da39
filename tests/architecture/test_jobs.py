"""Nothing imports the workers, so the catalogue of jobs is held against them here."""

from __future__ import annotations

import inspect
from importlib import import_module

import pytest

from guichet import jobs


@pytest.mark.parametrize("job", jobs.ALL, ids=lambda j: j.path)
def test_every_job_resolves_and_takes_what_the_catalogue_says(job: jobs.Job) -> None:
    module, _, name = job.path.rpartition(".")
    function = getattr(import_module(module), name)
    assert tuple(inspect.signature(function).parameters) == job.params
    assert job.queue in jobs.QUEUES
