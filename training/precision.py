"""Which weights of the exported network are float16, and which stay float32.

Rounded to float16, the small kernels (depthwise, first convolution, early pointwise) moved a logit by up to 0.07; the
large pointwise kernels of the last blocks, with nine tenths of all weights, by 0.002. So only these are halved.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

#: Weights of a kernel from which on it is stored as float16.
LARGE = 200_000


def widen_small_kernels(half: bytes, full: bytes) -> bytes:
    """Return the LiteRT network ``half``, weights float16, with the small kernels taken from ``full``, float32.

    A float16 constant goes through a DEQUANTIZE operator; where it is small, the operator is dropped and its output
    becomes a constant itself.
    """
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(half))
    graph = model.subgraphs[0]
    exact = _float32_constants(flatbuffer_utils.read_model_from_bytearray(bytearray(full)))
    kept = []
    for operator in graph.operators:
        values = _small_half_constant(model, graph, operator)
        if values is None or values.tobytes() not in exact:
            kept.append(operator)
            continue
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(exact[values.tobytes()].tobytes(), dtype=np.uint8)
        graph.tensors[operator.outputs[0]].buffer = len(model.buffers)
        model.buffers.append(buffer)
    _empty_unused(model, {operator.inputs[0] for operator in graph.operators if operator not in kept}, kept)
    graph.operators = kept
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _empty_unused(model: Any, candidates: set[int], operators: list[Any]) -> None:
    """Empty the buffers of the tensors ``candidates`` that no operator reads; equal constants share a buffer."""
    tensors = model.subgraphs[0].tensors
    needed = {tensors[index].buffer for operator in operators for index in operator.inputs if index >= 0}
    for index in candidates:
        if tensors[index].buffer not in needed:
            model.buffers[tensors[index].buffer].data = None
            tensors[index].buffer = 0


def _float32_constants(model: Any) -> dict[bytes, NDArray[np.float32]]:
    """Return the float32 constants of the network, by what they are when rounded to float16."""
    constants = {}
    for tensor in model.subgraphs[0].tensors:
        data = model.buffers[tensor.buffer].data
        if tensor.type == schema.TensorType.FLOAT32 and data is not None and len(data):
            values = np.frombuffer(bytes(data), dtype=np.float32)
            constants[values.astype(np.float16).tobytes()] = values
    return constants


def _small_half_constant(model: Any, graph: Any, operator: Any) -> NDArray[np.float16] | None:
    """Return the float16 values that ``operator`` turns into float32, or None if it does not or they are many."""
    if _kind(model, operator) != schema.BuiltinOperator.DEQUANTIZE:
        return None
    tensor = graph.tensors[operator.inputs[0]]
    data = model.buffers[tensor.buffer].data
    if tensor.type != schema.TensorType.FLOAT16 or data is None or len(data) >= 2 * LARGE:
        return None
    return np.frombuffer(bytes(data), dtype=np.float16)


def _kind(model: Any, operator: Any) -> int:
    code = model.operatorCodes[operator.opcodeIndex]
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))
