"""Read an ONNX file without running it: what it refers to, its inputs, parts of its graph."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

import onnx
import onnx.inliner
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

from scene_model.errors import ModelRefused

# Operators of the standard alone: others need code that a runtime may lack, or that a file brings.
_DOMAINS = ("", "ai.onnx")
# They repeat a graph as often as a number in it says, which may be for ever.
_REPEATING = ("Loop", "Scan")
# Written by ONNX for data outside the file.
_OUTSIDE = TensorProto.EXTERNAL


def read_graph(path: Path, max_bytes: int) -> ModelProto:
    """Read a graph with the data beside it, and check what it refers to. Raises ModelRefused."""
    total = path.stat().st_size
    try:
        model = onnx.load(path, format="protobuf", load_external_data=False)
    except Exception as error:  # protobuf has no class of its own for a damaged file
        raise ModelRefused(
            f"{path.name} is no ONNX file, or a damaged one. Copy or download it again.",
            code="model_damaged",
        ) from error
    if not model.graph.node or not model.graph.output:
        raise ModelRefused(f"{path.name} has no network in it.", code="model_damaged")
    if total > max_bytes:
        raise too_large(path.name, total, max_bytes)
    if model.functions:
        model = _without_functions(model, path.name)
    for tensor in _tensors(model.graph):
        if tensor.data_location == _OUTSIDE:
            total += _outside_bytes(tensor, path.parent)
    if total > max_bytes:
        raise too_large(path.name, total, max_bytes)
    _check_operators(model.graph, path.name)
    _load_outside_data(model, path)
    return model


def _without_functions(model: ModelProto, name: str) -> ModelProto:
    """Put the nodes of the file's own functions where they are called. Raises ModelRefused."""
    try:
        return onnx.inliner.inline_local_functions(model)
    except Exception as error:  # onnx has no class of its own for functions that call themselves
        raise ModelRefused(
            f"The functions of {name} cannot be read: {str(error)[:200]}. Export it again.",
            code="model_damaged",
        ) from error


def too_large(name: str, size: int, max_bytes: int) -> ModelRefused:
    """Return the error for a network that is larger than the limit."""
    return ModelRefused(
        f"{name} has {size:,} bytes; a network has at most {max_bytes:,} "
        "(SCENE_MAX_MODEL_BYTES). Export a smaller one, or one with float16 or int8 weights.",
        code="model_too_large",
    )


def _load_outside_data(model: ModelProto, path: Path) -> None:
    try:
        onnx.external_data_helper.load_external_data_for_model(model, str(path.parent))
    except Exception as error:  # ValueError, OSError or onnx's own ValidationError
        raise ModelRefused(
            f"The data beside {path.name} cannot be read: {error}.", code="model_damaged"
        ) from error
    for tensor in _tensors(model.graph):
        if tensor.data_location == _OUTSIDE:
            tensor.data_location = TensorProto.DEFAULT
            del tensor.external_data[:]


def _outside_bytes(tensor: TensorProto, folder: Path) -> int:
    """Return how many bytes of another file a tensor refers to; raises ModelRefused."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    parts = {*PurePosixPath(location).parts, *PureWindowsPath(location).parts}
    is_absolute = location.startswith(("/", "\\")) or PureWindowsPath(location).drive
    file = folder / location
    if not location or is_absolute or ".." in parts or not _is_inside(file, folder):
        raise ModelRefused(
            f"The network reads its weights from {location!r}, which is not a file in its own "
            "folder. Put the file beside the network, or export it as one file.",
            code="model_unsafe",
        )
    if not file.is_file():
        raise ModelRefused(
            f"The network's weights are in {location}, which is missing. Put it beside the file.",
            code="model_files_missing",
        )
    try:
        offset, length = int(entries.get("offset") or 0), int(entries.get("length") or 0)
    except ValueError:
        offset = length = -1
    size = file.stat().st_size
    if offset < 0 or length < 0 or offset + length > size:
        raise ModelRefused(
            f"The network reads beyond the end of {location}, which has {size:,} bytes. Copy or "
            "download it again.",
            code="model_damaged",
        )
    return length or size - offset


def _is_inside(file: Path, folder: Path) -> bool:
    """Return whether a path, its links followed, is below a folder."""
    return file.resolve().is_relative_to(folder.resolve())


def _check_operators(graph: GraphProto, name: str) -> None:
    for node in nodes_of(graph):
        if node.domain not in _DOMAINS:
            raise ModelRefused(
                f"{name} has the operator {node.op_type!r} of {node.domain!r}; only those of the "
                "ONNX standard are run. Export it without custom operators.",
                code="model_unsafe",
            )
        if node.op_type in _REPEATING:
            raise ModelRefused(
                f"{name} has the operator {node.op_type!r}, which may repeat for ever. Export the "
                "network without loops.",
                code="model_unsafe",
            )


def nodes_of(graph: GraphProto) -> Iterator[NodeProto]:
    """Yield all nodes of a graph and of the graphs in it."""
    for node in graph.node:
        yield node
        for inner in _graphs_in(node):
            yield from nodes_of(inner)


def _graphs_in(node: NodeProto) -> Iterator[GraphProto]:
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield attribute.g
        yield from attribute.graphs


def _tensors(graph: GraphProto) -> Iterator[TensorProto]:
    yield from _initializers(graph)
    for node in nodes_of(graph):
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            if attribute.HasField("sparse_tensor"):
                yield from (attribute.sparse_tensor.values, attribute.sparse_tensor.indices)
            for sparse in attribute.sparse_tensors:
                yield from (sparse.values, sparse.indices)
        for inner in _graphs_in(node):
            yield from _initializers(inner)


def _initializers(graph: GraphProto) -> Iterator[TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)


def inputs_of(model: ModelProto) -> list[ValueInfoProto]:
    """Return what the network is fed; old files also list their weights as inputs."""
    weights = {tensor.name for tensor in model.graph.initializer}
    return [entry for entry in model.graph.input if entry.name not in weights]


def dimensions(value: ValueInfoProto) -> list[int | None]:
    """Return the shape of an input or output; None for a dimension that has no fixed length."""
    return [
        dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None
        for dim in value.type.tensor_type.shape.dim
    ]


def part_of(model: ModelProto, inputs: list[str], output: str) -> ModelProto:
    """Return the part of a network that computes one value from some of its inputs.

    Raises ModelRefused when the value depends on other inputs.
    """
    nodes, tensors = _needed(model.graph, output)
    needed_inputs = {entry.name for entry in inputs_of(model)} & tensors
    if needed_inputs - set(inputs):
        others = ", ".join(sorted(needed_inputs - set(inputs)))
        raise ModelRefused(
            f"The network also needs the inputs {others}; it may need {', '.join(inputs)} alone.",
            code="model_shape",
        )
    part = ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    part.graph.name = model.graph.name or "network"
    part.graph.node.extend(node for index, node in enumerate(model.graph.node) if index in nodes)
    part.graph.initializer.extend(t for t in model.graph.initializer if t.name in tensors)
    part.graph.sparse_initializer.extend(
        t for t in model.graph.sparse_initializer if t.values.name in tensors
    )
    part.graph.input.extend(entry for entry in inputs_of(model) if entry.name in needed_inputs)
    part.graph.output.append(onnx.helper.make_tensor_value_info(output, TensorProto.FLOAT, None))
    return part


def rename_input(model: ModelProto, name: str, new_name: str) -> None:
    """Give an input of a network another name."""
    for entry in model.graph.input:
        if entry.name == name:
            entry.name = new_name
    # The nodes keep the name that they read, those of inner graphs too.
    model.graph.node.insert(0, onnx.helper.make_node("Identity", [new_name], [name]))


def _needed(graph: GraphProto, output: str) -> tuple[set[int], set[str]]:
    """Return the indices of the nodes that compute a value, and the names of what they read."""
    producers = {name: i for i, node in enumerate(graph.node) for name in node.output if name}
    nodes: set[int] = set()
    values: set[str] = set()
    pending = [output]
    while pending:
        name = pending.pop()
        if name in values:
            continue
        values.add(name)
        index = producers.get(name)
        if index is not None and index not in nodes:
            nodes.add(index)
            pending += _read_by(graph.node[index])
    return nodes, values


def _read_by(node: NodeProto) -> list[str]:
    names = [name for name in node.input if name]
    for inner in _graphs_in(node):
        # What an inner graph reads from outside; its own names do no harm.
        names += [name for deeper in nodes_of(inner) for name in deeper.input if name]
        names += [entry.name for entry in inner.output]
    return names
