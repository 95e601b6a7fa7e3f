"""The last dense layer of a classifier's graph: it becomes a head, and the rest the backbone."""

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, NodeProto

from scene_model.classifier.bundle import FloatArray, HeadWeights

# They change neither which label is the most probable nor, by themselves, any number we need.
_PASSED = ("Identity", "Cast", "Dropout")


@dataclass(frozen=True)
class LastLayer:
    """embedding: the value that the layer reads. logits: what it computes."""

    embedding: str
    logits: str
    weights: HeadWeights


def logits_of(model: ModelProto, output: str) -> str:
    """Return the value before a final softmax, or the output itself."""
    producers = _producers(model.graph)
    name = str(output)
    while (node := producers.get(name)) is not None and node.op_type in (*_PASSED, "Softmax"):
        name = str(node.input[0])
        if node.op_type == "Softmax":
            return name
    return output


def last_layer(model: ModelProto, logits: str) -> LastLayer | None:
    """Return the dense layer that computes the logits; None where there is none of a plain form."""
    producers, constants = _producers(model.graph), _constants(model.graph)
    name = logits
    while (node := producers.get(name)) is not None and node.op_type in _PASSED:
        name = node.input[0]
    if node is None:
        return None
    if node.op_type == "Gemm":
        return _of_gemm(node, constants, logits)
    bias = None
    if node.op_type == "Add":
        bias, product = _constant_and_value(node, constants)
        node = producers.get(product or "")
    if node is None or node.op_type != "MatMul":
        return None
    kernel = _matrix(node.input[1], constants, producers)
    if kernel is None or node.input[0] in constants:
        return None
    return _layer(node.input[0], logits, kernel, bias)


def _of_gemm(node: NodeProto, constants: dict[str, FloatArray], logits: str) -> LastLayer | None:
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    kernel = constants.get(node.input[1])
    if kernel is None or attributes.get("transA", 0) or node.input[0] in constants:
        return None
    kernel = kernel.T if attributes.get("transB", 0) else kernel
    bias = None
    if len(node.input) > 2 and node.input[2]:
        bias = constants.get(node.input[2])
        if bias is None:
            return None
        bias = bias * attributes.get("beta", 1.0)
    return _layer(node.input[0], logits, kernel * attributes.get("alpha", 1.0), bias)


def _layer(
    embedding: str, logits: str, kernel: FloatArray, bias: FloatArray | None
) -> LastLayer | None:
    if kernel.ndim != 2:
        return None
    outputs = kernel.shape[1]
    own = np.zeros(outputs) if bias is None else np.asarray(bias).reshape(-1)
    if own.shape not in ((outputs,), (1,)):
        return None
    weights = HeadWeights(
        np.ascontiguousarray(kernel, np.float32),
        np.ascontiguousarray(np.broadcast_to(own, (outputs,)), np.float32),
    )
    return LastLayer(embedding, logits, weights)


def _constant_and_value(
    node: NodeProto, constants: dict[str, FloatArray]
) -> tuple[FloatArray | None, str | None]:
    """Return the constant that a node adds, and the name of the value that it is added to."""
    first, second = node.input
    if first in constants and second not in constants:
        return constants[first], second
    if second in constants and first not in constants:
        return constants[second], first
    return None, None


def _matrix(
    name: str, constants: dict[str, FloatArray], producers: dict[str, NodeProto]
) -> FloatArray | None:
    """Return a constant, also one that is stored the other way round."""
    if name in constants:
        return constants[name]
    node = producers.get(name)
    if node is not None and node.op_type == "Transpose" and node.input[0] in constants:
        return constants[node.input[0]].T
    return None


def _producers(graph: GraphProto) -> dict[str, NodeProto]:
    return {name: node for node in graph.node for name in node.output if name}


def _constants(graph: GraphProto) -> dict[str, FloatArray]:
    """Return the float weights of a graph, also those that nodes hold."""
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    tensors[node.output[0]] = attribute.t
    floats = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)
    constants = {
        name: onnx.numpy_helper.to_array(tensor)
        for name, tensor in tensors.items()
        if tensor.data_type in floats and 1 <= len(tensor.dims) <= 2
    }
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in constants:
            constants[node.output[0]] = constants[node.input[0]]
    return constants
