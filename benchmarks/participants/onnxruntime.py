"""onnxruntime: answers of a network that was written as ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.participants.base import Answering, Participant
from benchmarks.workloads import ONE_ROW, ROWS, Array, Task

OPSET = 17


class Asked(Answering):
    def asked(self, task: Task, threads: int) -> Callable[[Array], Any]:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(model(task), options, providers=["CPUExecutionProvider"])
        return lambda x: session.run(None, {"x": x})[0]


def model(task: Task) -> bytes:
    """Gemm, Relu, ..., Softmax."""
    from onnx import TensorProto, helper, numpy_helper

    nodes, numbers, a = [], [], "x"
    for i, (W, b) in enumerate(task.weights):
        numbers += [numpy_helper.from_array(W, f"W{i}"), numpy_helper.from_array(b, f"b{i}")]
        nodes.append(helper.make_node("Gemm", [a, f"W{i}", f"b{i}"], [f"z{i}"]))
        a = f"a{i}"
        last = i == len(task.weights) - 1
        nodes.append(helper.make_node("Softmax" if last else "Relu", [f"z{i}"], [a]))
    sizes = task.workload.sizes
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", sizes[0]])
    y = helper.make_tensor_value_info(a, TensorProto.FLOAT, ["n", sizes[-1]])
    graph = helper.make_graph(nodes, "network", [x], [y], numbers)
    opset = helper.make_opsetid("", OPSET)
    return bytes(helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString())


PLAIN: dict[str, type[Participant]] = {ONE_ROW: Asked, ROWS: Asked}
