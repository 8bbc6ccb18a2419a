"""The machine code of the layers' kernels."""

from __future__ import annotations

import re

import pytest

from pellucid.kernels import columns, norms, waves
from pellucid.kernels.build import assembly
from pellucid.kernels.kernel import Kernel
from pellucid.layers.dropout import dropout
from pellucid.layers.gaussian_noise import add_noise

ARITHMETIC = [
    columns.add,
    columns.multiply,
    columns.scale_columns,
    columns.blend_columns,
    columns.difference_products,
    columns.column_products,
    norms.inverse_deviation,
    norms.batch_statistics,
    norms.follow,
    norms.normalise,
    norms.batch_norm_backward,
    norms.layer_norm_forward,
    norms.layer_norm_backward,
    waves.periodic_forward,
    waves.periodic_gradients,
    waves.periodic_backward,
    dropout,
    add_noise,
]


@pytest.mark.parametrize("kernel", ARITHMETIC, ids=lambda k: k.name)
def test_loops_become_vector_code_in_single_precision(kernel: Kernel) -> None:
    code = assembly(kernel)
    assert re.search(r"\bv?(mul|add|sub|sqrt)ps\b.*[xyz]mm|\bf(mul|add|sub|sqrt|mla)\b.*\.4s", code)
    assert not re.search(r"\bv?(add|mul|sub|div)[sp]d\b|\bf(add|mul|sub|div)\b.*\.2d", code), (
        "computes in float64"
    )


@pytest.mark.parametrize("kernel", [dropout, add_noise], ids=lambda k: k.name)
def test_random_words_come_from_packed_products(kernel: Kernel) -> None:
    assert len(re.findall(r"\bv?pmuludq\b.*[xyz]mm|\bumull2?\b.*\.2d", assembly(kernel))) >= 20
