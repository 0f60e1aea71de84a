"""The statistics of paired comparisons: pure functions of numbers, which know nothing of cases, gates or reports.

Gates go through `decide` (`judge_delta`, `judge_rate`, `judge_level`, `judge_corpus`); the methods stand beside it for
notebooks and tests. Importing this package imports numpy and scipy.special (about 0.3 s), never scipy.stats.
"""

from __future__ import annotations

from pytest_ftcheck.stats.agreement import Agreement, cohen_kappa, gwet_ac1, krippendorff_alpha, raw_agreement
from pytest_ftcheck.stats.attainable import cannot_pass, smallest_n
from pytest_ftcheck.stats.clustered import clustered_mean
from pytest_ftcheck.stats.continuous import mean_t, paired_permutation, paired_t
from pytest_ftcheck.stats.corpus import CorpusMetric, jackknife_t
from pytest_ftcheck.stats.decide import (
    Evidence,
    judge_calibrated,
    judge_corpus,
    judge_corpus_level,
    judge_delta,
    judge_level,
    judge_rate,
    judge_ratio,
)
from pytest_ftcheck.stats.exact import exact_margin_test
from pytest_ftcheck.stats.multiplicity import holm
from pytest_ftcheck.stats.paired import PairedTable, mcnemar_exact, mcnemar_midp, newcombe_interval, paired_table
from pytest_ftcheck.stats.power import (
    connor_sample_size,
    detectable_effect,
    sample_size,
    smallest_passing_n,
    tango_power,
)
from pytest_ftcheck.stats.ppi import Calibrated, ppi_mean
from pytest_ftcheck.stats.proportion import binomial_test, clopper_pearson
from pytest_ftcheck.stats.results import EProcess, Interval, MeanInterval, SampleSize, Significance, VarianceSplit
from pytest_ftcheck.stats.samples import case_differences, variance_split
from pytest_ftcheck.stats.sequential import mcnemar_eprocess
from pytest_ftcheck.stats.tango import tango_interval, tango_test

__all__ = [
    "Agreement",
    "Calibrated",
    "CorpusMetric",
    "EProcess",
    "Evidence",
    "Interval",
    "MeanInterval",
    "PairedTable",
    "SampleSize",
    "Significance",
    "VarianceSplit",
    "binomial_test",
    "cannot_pass",
    "case_differences",
    "clopper_pearson",
    "clustered_mean",
    "cohen_kappa",
    "connor_sample_size",
    "detectable_effect",
    "exact_margin_test",
    "gwet_ac1",
    "holm",
    "jackknife_t",
    "judge_calibrated",
    "judge_corpus",
    "judge_corpus_level",
    "judge_delta",
    "judge_level",
    "judge_rate",
    "judge_ratio",
    "krippendorff_alpha",
    "mcnemar_eprocess",
    "mcnemar_exact",
    "mcnemar_midp",
    "mean_t",
    "newcombe_interval",
    "paired_permutation",
    "paired_t",
    "paired_table",
    "ppi_mean",
    "raw_agreement",
    "sample_size",
    "smallest_n",
    "smallest_passing_n",
    "tango_interval",
    "tango_power",
    "tango_test",
    "variance_split",
]
