"""Clusters: refused if unprotected or impossible; memory shared between the workers of this machine."""

from __future__ import annotations

import time

import dask
import pytest

from synthviz.runs.errors import RunError
from synthviz.runs.sweeps import ClusterSettings
from synthviz.runs.sweeps.cluster import connect, memory_share


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"scheduler": "tcp://10.0.0.1:8786"}, "tcp://10.0.0.1:8786' is not protected"),
        ({"scheduler": "10.0.0.1:8786"}, "10.0.0.1:8786'; .* tls://"),
        ({"workers": 0}, "workers is 0; .* 1 or more"),
    ],
)
def test_impossible_settings_are_refused(settings, words):
    with pytest.raises(RunError, match=words):
        ClusterSettings(**settings)


@pytest.mark.parametrize("scheduler", ["tls://10.0.0.1:8786", "tcp://127.0.0.1:8786", "tcp://[::1]:8786"])
def test_encrypted_and_local_schedulers_are_allowed(scheduler):
    assert ClusterSettings(scheduler).scheduler == scheduler


@pytest.mark.parametrize(
    ("total", "workers", "share"),
    [(64e9, 1, 16.0), (8e9, 1, 7.2), (8e9, 2, 3.6), (8e9, 8, 2.0), (1e9, 1, 2.0)],
)
def test_a_kernel_may_use_its_share_of_the_machines_memory(monkeypatch, total, workers, share):
    monkeypatch.setattr("distributed.system.MEMORY_LIMIT", total)
    assert memory_share(workers) == pytest.approx(share)


def test_missing_certificates_are_named():
    settings = ClusterSettings("tls://127.0.0.1:1", tls_ca_file="/nowhere/ca.pem")
    with pytest.raises(RunError, match=r"/nowhere/ca\.pem"), connect(settings):
        pass


def test_certificates_that_nobody_gives_are_named():
    with pytest.raises(RunError, match="needs certificates; give --tls-ca-file"), connect(ClusterSettings("tls://h:1")):
        pass


def test_a_scheduler_that_cannot_be_reached_is_named(monkeypatch):
    monkeypatch.setattr("synthviz.runs.sweeps.cluster.CONNECT_SECONDS", 0.5)
    with (
        pytest.raises(RunError, match=r"tcp://127\.0\.0\.1:1' cannot be reached"),
        connect(ClusterSettings("tcp://127.0.0.1:1")),
    ):
        pass


def test_workers_that_cannot_be_started_are_reported_on_one_line(monkeypatch):
    def fail(**_):
        raise RuntimeError("Cluster failed to start: no\nports")

    monkeypatch.setattr("distributed.LocalCluster", fail)
    with pytest.raises(RunError, match="Cluster failed to start: no ports"), connect(ClusterSettings(workers=1)):
        pass


def test_the_dask_settings_of_the_user_do_not_reach_the_workers_here():
    users = {"distributed.worker.lifetime.duration": "1 s", "distributed.worker.preload": ["no_such_module"]}
    with dask.config.set(users), connect(ClusterSettings(workers=1)) as (client, _):
        assert client.submit(lambda: dask.config.get("distributed.worker.lifetime.duration")).result(30) is None
        (worker,) = client.nthreads()
        time.sleep(2)
        assert list(client.nthreads()) == [worker]
        assert dask.config.get("distributed.worker.preload") == []
