"""Read a LiteRT file: its inputs and outputs, and another value of its graph as the output."""

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from scene_model.classifier.bundle import FloatArray, HeadWeights

_MARK = b"TFL3"
_TYPES = {
    schema.TensorType.FLOAT32: "float32",
    schema.TensorType.FLOAT16: "float16",
    schema.TensorType.UINT8: "uint8",
    schema.TensorType.INT8: "int8",
}


class DamagedNetwork(ValueError):
    """The bytes are no LiteRT file, or a damaged one."""


@dataclass(frozen=True)
class Value:
    """An input or output. shape: 0 or less for a dimension without a fixed length."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class LiteRTFile:
    """A file's graph. custom: its operators that are not LiteRT's own."""

    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    custom: tuple[str, ...]


@dataclass(frozen=True)
class DenseLayer:
    """A network without its last dense layer, and the weights of that layer."""

    network: bytes
    weights: HeadWeights


def read_litert(data: bytes) -> LiteRTFile:
    """Read inputs, outputs and operators; raises DamagedNetwork."""
    try:
        model = _model(data)
        graph = model.Subgraphs(0)
        return LiteRTFile(
            tuple(_value(graph.Tensors(i)) for i in graph.InputsAsNumpy()),
            tuple(_value(graph.Tensors(i)) for i in graph.OutputsAsNumpy()),
            tuple(_custom_operators(model)),
        )
    except (struct.error, TypeError, AttributeError, IndexError, ValueError) as error:
        raise DamagedNetwork(
            f"The file is no LiteRT network, or a damaged one: {error}."
        ) from error


def without_softmax(data: bytes) -> bytes:
    """Return the file with what a final softmax reads as its output; unchanged without one."""
    model = _model(data)
    operator = _producer(model)
    if operator is None or _code(model, operator) != schema.BuiltinOperator.SOFTMAX:
        return data
    return _with_output(data, int(operator.Inputs(0)))


def before_last_layer(data: bytes) -> DenseLayer | None:
    """Split off the dense layer that computes the output; None where there is no plain one."""
    model = _model(data)
    operator = _producer(model)
    if operator is None or _code(model, operator) != schema.BuiltinOperator.FULLY_CONNECTED:
        return None
    options = schema.FullyConnectedOptions()
    table = operator.BuiltinOptions()
    options.Init(table.Bytes, table.Pos)
    if options.FusedActivationFunction() != schema.ActivationFunctionType.NONE:
        return None
    inputs = operator.InputsAsNumpy()
    graph = model.Subgraphs(0)
    kernel = _weights(model, graph.Tensors(inputs[1]))
    if kernel is None or graph.Tensors(inputs[0]).Type() != schema.TensorType.FLOAT32:
        return None
    bias = np.zeros(len(kernel), np.float32)
    if len(inputs) > 2 and inputs[2] >= 0:
        own_bias = _weights(model, graph.Tensors(inputs[2]))
        if own_bias is None:
            return None
        bias = own_bias
    weights = HeadWeights(np.ascontiguousarray(kernel.T), bias)
    return DenseLayer(_with_output(data, int(inputs[0])), weights)


def _model(data: bytes | bytearray) -> schema.Model:
    if data[4:8] != _MARK:
        raise DamagedNetwork("The file is no LiteRT network: its mark TFL3 is missing.")
    return schema.Model.GetRootAs(data, 0)


def _value(tensor: schema.Tensor) -> Value:
    # The signature says where the length of a dimension is open; the shape says 1 there.
    shape = (
        tensor.ShapeAsNumpy() if tensor.ShapeSignatureIsNone() else tensor.ShapeSignatureAsNumpy()
    )
    name = (tensor.Name() or b"").decode("utf-8", "replace")
    return Value(name, tuple(int(n) for n in shape), _TYPES.get(tensor.Type(), "another type"))


def _custom_operators(model: schema.Model) -> list[str]:
    codes = [model.OperatorCodes(i) for i in range(model.OperatorCodesLength())]
    return [
        (code.CustomCode() or b"").decode("utf-8", "replace") for code in codes if _is_custom(code)
    ]


def _is_custom(code: schema.OperatorCode) -> bool:
    return bool(_builtin(code) == schema.BuiltinOperator.CUSTOM)


def _builtin(code: schema.OperatorCode) -> int:
    # Old files have the number in a byte.
    return max(int(code.BuiltinCode()), int(code.DeprecatedBuiltinCode()))


def _code(model: schema.Model, operator: schema.Operator) -> int:
    return _builtin(model.OperatorCodes(operator.OpcodeIndex()))


def _producer(model: schema.Model) -> schema.Operator | None:
    """Return the operator that computes the first output."""
    graph = model.Subgraphs(0)
    output = graph.Outputs(0)
    for index in range(graph.OperatorsLength()):
        operator = graph.Operators(index)
        if output in operator.OutputsAsNumpy():
            return operator
    return None


def _weights(model: schema.Model, tensor: schema.Tensor) -> FloatArray | None:
    """Return the numbers of a constant tensor, float32; None for one of another kind."""
    buffer = model.Buffers(tensor.Buffer())
    if buffer.DataIsNone():
        return None
    raw, shape = buffer.DataAsNumpy().tobytes(), tuple(tensor.ShapeAsNumpy())
    if tensor.Type() == schema.TensorType.FLOAT32:
        return np.frombuffer(raw, "<f4").reshape(shape).astype(np.float32)
    rule = tensor.Quantization()
    if tensor.Type() != schema.TensorType.INT8 or rule is None or rule.ScaleIsNone():
        return None
    scales: npt.NDArray[np.float32] = rule.ScaleAsNumpy().astype(np.float32)
    if len(scales) not in (1, shape[0]):
        return None
    # Zero points of weights are 0.
    return np.frombuffer(raw, np.int8).reshape(shape) * scales.reshape(-1, *[1] * (len(shape) - 1))


def _with_output(data: bytes, tensor: int) -> bytes:
    """Return the file with one tensor as its only output's value; the length stays the same."""
    changed = bytearray(data)
    model = _model(changed)
    outputs = model.Subgraphs(0).OutputsAsNumpy()
    old = int(outputs[0])
    outputs[0] = tensor
    for index in range(model.SignatureDefsLength()):
        signature = model.SignatureDefs(index)
        for number in range(signature.OutputsLength()):
            entry = signature.Outputs(number)
            if entry.TensorIndex() == old:
                place = entry._tab.Pos + entry._tab.Offset(6)
                struct.pack_into("<I", changed, place, tensor)
    return bytes(changed)
