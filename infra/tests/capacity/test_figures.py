"""The table of numbers: each with a unit and a source, and ladders that only rise."""

from __future__ import annotations

from itertools import pairwise

from groundplan.capacity import figures
from groundplan.capacity.figures import Figure

FIGURES = {name: value for name, value in vars(figures).items() if isinstance(value, Figure)}


def test_every_figure_has_a_unit_and_a_source() -> None:
    assert len(FIGURES) > 60
    for name, figure in FIGURES.items():
        assert figure.unit, name
        assert len(figure.source) > 8, name
        assert figure.source.startswith("assumed: ") == figure.assumed, name


def test_a_figure_says_its_unit() -> None:
    assert str(figures.POOL_LIMIT) == "40 connections a pod"
    assert figures.POOL_LIMIT / 2 == 20


def test_measured_figures_say_when_and_how() -> None:
    for figure in (figures.POD_CACHED_READS, figures.POD_DATABASE_READS, figures.READ_STATEMENT_CORE_MS):
        assert "measured November 2026" in figure.source
    assert "wrk" in figures.POD_DATABASE_READS.source


def test_database_classes_only_rise() -> None:
    for smaller, larger in pairwise((*figures.BURSTABLE_DATABASE_CLASSES, *figures.DATABASE_CLASSES)):
        assert larger.cores >= smaller.cores
        assert larger.memory_gib >= smaller.memory_gib
        assert larger.iops >= smaller.iops


def test_cache_nodes_only_rise() -> None:
    for smaller, larger in pairwise((*figures.BURSTABLE_CACHE_NODES, *figures.CACHE_NODES)):
        assert larger.memory_gib > smaller.memory_gib
        assert larger.operations >= smaller.operations
        assert larger.network_gbps >= smaller.network_gbps


def test_brokers_only_rise() -> None:
    for ladder in (figures.EXPRESS_BROKERS, figures.STANDARD_BROKERS):
        for smaller, larger in pairwise(ladder):
            assert larger.ingress_mbps > smaller.ingress_mbps
            assert larger.egress_mbps > smaller.egress_mbps
            assert larger.partitions >= smaller.partitions


def test_gp3_figures_agree_with_each_other() -> None:
    assert figures.GP3_IOPS < figures.GP3_STRIPED_IOPS < figures.GP3_MAX_IOPS
    assert figures.GP3_MAX_IOPS * figures.IO_KIB / 1024 <= figures.GP3_STRIPED_THROUGHPUT, "throughput needs no raise"
    assert figures.GP3_STRIPED_IOPS <= figures.GP3_STRIPED_FROM_GB * figures.GP3_IOPS_PER_GB


def test_the_gateways_cache_sizes_rise() -> None:
    assert list(figures.GATEWAY_CACHE_GB) == sorted(figures.GATEWAY_CACHE_GB)
