"""A copy of a SavedModel in which nothing can reach files: loading one runs parts of its graph."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from training.recipe import TrainingError

GRAPH_FILE, _VARIABLES = "saved_model.pb", "variables"
# They compute numbers of numbers, and hold variables; what TFLite can do of the rest is rare.
_ALLOWED = frozenset(
    """
    Abs Add AddN AddV2 All Any ArgMax ArgMin AvgPool AvgPool3D BatchMatMul BatchMatMulV2
    BatchMatMulV3 BatchToSpaceND BiasAdd BroadcastArgs BroadcastTo Cast Ceil ClipByValue Concat
    ConcatV2 Const Conv2D Conv2DBackpropInput Conv3D Cos Cumsum DepthToSpace
    DepthwiseConv2dNative DisableCopyOnRead Einsum Elu Equal Erf Erfc Exp ExpandDims Expm1
    FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel Fill Floor
    FloorDiv FloorMod FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 Gather GatherNd GatherV2
    Greater GreaterEqual Identity IdentityN If InvertPermutation IsFinite IsInf IsNan L2Loss
    LRN LeakyRelu Less LessEqual Log Log1p LogSoftmax LogicalAnd LogicalNot LogicalOr MatMul Max
    MaxPool MaxPoolV2 Maximum Mean Min Minimum MirrorPad Mul MulNoNan Neg NoOp NotEqual OneHot
    OnesLike Pack Pad PadV2 PartitionedCall Placeholder PlaceholderWithDefault Pow
    PreventGradient Prod Range Rank RealDiv Reciprocal Relu Relu6 Reshape ResizeBilinear
    ResizeNearestNeighbor Reverse ReverseV2 Round Rsqrt ScatterNd Select SelectV2 Selu Shape
    ShapeN Sigmoid Sign Sin Size Slice Softmax Softplus Softsign SpaceToBatchND SpaceToDepth
    Split SplitV Sqrt Square SquaredDifference Squeeze StatefulPartitionedCall StatelessIf
    StopGradient StridedSlice Sub Sum Tan Tanh TensorScatterUpdate Tile TopKV2 Transpose
    TruncateDiv Unpack Where Xdivy ZerosLike
    Assign AssignVariableOp ReadVariableOp ResourceGather VarHandleOp VarIsInitializedOp Variable
    VariableV2
    RestoreV2 ShardedFilename StaticRegexFullMatch StringJoin
    """.split()
)
# A model has them to be saved again, which is not done here.
_SAVING = ("SaveV2", "MergeV2Checkpoints")


def copy_without_file_access(source: Path, target: Path) -> None:
    """Copy graph and variables of a SavedModel, without the operators that write checkpoints.

    Raises TrainingError for a graph with any operator that is not known to be harmless. The copy
    has no other graph file that TensorFlow would prefer, and nobody changes it afterwards.
    """
    # Of TensorFlow, which takes seconds to import.
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    model = SavedModel()
    try:
        model.ParseFromString((source / GRAPH_FILE).read_bytes())
    except (OSError, DecodeError) as error:
        raise TrainingError(f"{GRAPH_FILE} of {source.name} cannot be read: {error}") from error
    refused = sorted({node.op for node in _nodes(model)} - _ALLOWED - set(_SAVING))
    if refused:
        names = ", ".join(refused[:8])[:200]
        raise TrainingError(
            f"{source.name} has the operators {names}, which are not among those that are known to "
            "be harmless. Export the network without them, or as ONNX"
        )
    for node in _nodes(model):
        if node.op in _SAVING:
            node.op = "NoOp"
            node.attr.clear()
            node.input[:] = [name for name in node.input if name.startswith("^")]
    target.mkdir()
    (target / GRAPH_FILE).write_bytes(model.SerializeToString())
    if (source / _VARIABLES).is_dir():
        shutil.copytree(source / _VARIABLES, target / _VARIABLES)


def _nodes(model: Any) -> Iterator[Any]:
    """Yield the nodes of all graphs and functions."""
    for meta_graph in model.meta_graphs:
        yield from meta_graph.graph_def.node
        for function in meta_graph.graph_def.library.function:
            yield from function.node_def
