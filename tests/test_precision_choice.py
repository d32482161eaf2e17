"""Which number format is chosen, by what the hardware says of itself."""

import sys
from types import SimpleNamespace

import keras
import pytest

from nervekit import precision


@pytest.mark.parametrize(("generation", "native"), [(7.5, False), (8.0, True), (9.0, True)])
def test_a_gpu_multiplies_bfloat16_from_ampere_on(monkeypatch, generation, native):
    monkeypatch.setattr(precision, "has_gpu", lambda: True)
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    monkeypatch.setattr(precision, "_compute_capability", lambda: generation)
    assert precision.has_bfloat16() is native


@pytest.mark.parametrize(("told", "native"), [("7.5", False), ("8.0", True), ("gfx90a", False)])
def test_a_generation_is_what_jax_says_of_it_and_none_where_it_is_no_number(monkeypatch, told, native):
    gpu = SimpleNamespace(compute_capability=told, device_kind="Imaginary")
    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(devices=lambda: [gpu]))
    monkeypatch.setattr(precision, "has_gpu", lambda: True)
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    assert precision.has_bfloat16() is native and precision.gpu_name() == "Imaginary"


@pytest.mark.parametrize(("device", "gpu", "native"), [("cpu", False, False), ("mps:0", True, False), ("cuda:0", True, True)])
def test_on_pytorch_the_device_that_keras_computes_on_counts(monkeypatch, device, gpu, native):
    """A processor without bfloat16 beside a GPU with it: KERAS_TORCH_DEVICE may name either."""
    cuda = SimpleNamespace(is_bf16_supported=lambda including_emulation: True, get_device_name=lambda: "Imaginary")
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    monkeypatch.setattr(keras.ops, "zeros", lambda shape: SimpleNamespace(device=device))
    monkeypatch.setattr(keras.config, "backend", lambda: "torch")
    monkeypatch.setattr(precision.processor, "bfloat16_instructions", list)
    assert (precision.has_gpu(), precision.has_bfloat16()) == (gpu, native)
    assert precision.gpu_name() == ("Imaginary" if device == "cuda:0" else "")


@pytest.mark.parametrize("backend", ["jax", "tensorflow"])
def test_a_tpu_multiplies_bfloat16_whatever_the_processor_beside_it_does(monkeypatch, backend):
    monkeypatch.setattr(keras.config, "backend", lambda: backend)
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["tpu:0", "tpu:1"])
    monkeypatch.setattr(precision.processor, "bfloat16_instructions", list)
    assert precision.has_bfloat16() is True


@pytest.mark.parametrize(("backend", "instructions", "native"), [
    ("tensorflow", ["avx512_bf16"], True), ("torch", ["avx512_bf16"], True), ("jax", ["avx512_bf16"], False),
    ("tensorflow", [], False),
])  # fmt: skip
def test_a_processor_by_its_instructions_but_not_under_jax(monkeypatch, backend, instructions, native):
    monkeypatch.setattr(precision, "has_gpu", lambda: False)
    monkeypatch.setattr(precision, "has_tpu", lambda: False)
    monkeypatch.setattr(keras.config, "backend", lambda: backend)
    monkeypatch.setattr(precision.processor, "bfloat16_instructions", lambda: instructions)
    assert precision.has_bfloat16() is native
