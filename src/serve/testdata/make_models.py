"""Writes the small ONNX models of this folder. Run it with the venv's Python (onnx 1.23): python make_models.py

The files are kept in the repository so that the tests need no Python; running it again gives the same bytes.
"""
import os

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper, numpy_helper

HERE = os.path.dirname(os.path.abspath(__file__))
NUMBERS = {"bool": T.BOOL, "u8": T.UINT8, "u16": T.UINT16, "u32": T.UINT32, "u64": T.UINT64, "i8": T.INT8, "i16": T.INT16,
           "i32": T.INT32, "i64": T.INT64, "f32": T.FLOAT, "f64": T.DOUBLE, "text": T.STRING, "f16": T.FLOAT16, "bf16": T.BFLOAT16}


def value(name, kind, shape):
    return helper.make_tensor_value_info(name, kind, shape)


def save(name, nodes, inputs, outputs, initializers=(), domains=(), opset=15):
    graph = helper.make_graph(nodes, name, inputs, outputs, list(initializers))
    opsets = [helper.make_opsetid("", opset)] + [helper.make_opsetid(domain, version) for domain, version in domains]
    model = helper.make_model(graph, producer_name="millrace-tests", ir_version=8 if opset < 19 else 9, opset_imports=opsets)
    with open(os.path.join(HERE, name + ".onnx"), "wb") as file:
        file.write(model.SerializeToString(deterministic=True))


def array(name, values, dtype=np.float32):
    return numpy_helper.from_array(np.array(values, dtype=dtype), name)


# y = x . (1, 10, 100) + 0.5
save("linear", [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Add", ["m", "b"], ["y"])],
     [value("x", T.FLOAT, [None, 3])], [value("y", T.FLOAT, [None, 1])],
     [array("w", [[1], [10], [100]]), array("b", [0.5])])

# The same question, another answer: a later version. y = x . (1, 10, 100) + 1000
save("linear_later", [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Add", ["m", "b"], ["y"])],
     [value("x", T.FLOAT, [None, 3])], [value("y", T.FLOAT, [None, 1])],
     [array("w", [[1], [10], [100]]), array("b", [1000])])

# Named columns of several types, as the flights example has them: score = minutes + distance + code(carrier)
save("columns",
     [helper.make_node("LabelEncoder", ["carrier"], ["code"], domain="ai.onnx.ml", keys_strings=["AA", "UA"],
                       values_floats=[1.0, 2.0], default_float=0.0),
      helper.make_node("Cast", ["minutes"], ["minutes_number"], to=T.FLOAT),
      helper.make_node("Sum", ["code", "minutes_number", "distance"], ["score"]),
      helper.make_node("Identity", ["carrier"], ["carrier_again"])],
     [value("carrier", T.STRING, [None, 1]), value("minutes", T.INT64, [None, 1]), value("distance", T.FLOAT, [None, 1])],
     [value("score", T.FLOAT, [None, 1]), value("carrier_again", T.STRING, [None, 1])], domains=[("ai.onnx.ml", 3)])

# A later version of it: twice the minutes.
save("columns_later",
     [helper.make_node("LabelEncoder", ["carrier"], ["code"], domain="ai.onnx.ml", keys_strings=["AA", "UA"],
                       values_floats=[1.0, 2.0], default_float=0.0),
      helper.make_node("Cast", ["minutes"], ["minutes_number"], to=T.FLOAT),
      helper.make_node("Sum", ["code", "minutes_number", "minutes_number", "distance"], ["score"]),
      helper.make_node("Identity", ["carrier"], ["carrier_again"])],
     [value("carrier", T.STRING, [None, 1]), value("minutes", T.INT64, [None, 1]), value("distance", T.FLOAT, [None, 1])],
     [value("score", T.FLOAT, [None, 1]), value("carrier_again", T.STRING, [None, 1])], domains=[("ai.onnx.ml", 3)])

# Another one, the same but above 1,000 minutes: there it has no number.
save("columns_breaking",
     [helper.make_node("LabelEncoder", ["carrier"], ["code"], domain="ai.onnx.ml", keys_strings=["AA", "UA"],
                       values_floats=[1.0, 2.0], default_float=0.0),
      helper.make_node("Cast", ["minutes"], ["minutes_number"], to=T.FLOAT),
      helper.make_node("Sub", ["limit", "minutes_number"], ["left"]),
      helper.make_node("Log", ["left"], ["logarithm"]),
      helper.make_node("Mul", ["logarithm", "zero"], ["nothing"]),
      helper.make_node("Sum", ["code", "minutes_number", "distance", "nothing"], ["score"]),
      helper.make_node("Identity", ["carrier"], ["carrier_again"])],
     [value("carrier", T.STRING, [None, 1]), value("minutes", T.INT64, [None, 1]), value("distance", T.FLOAT, [None, 1])],
     [value("score", T.FLOAT, [None, 1]), value("carrier_again", T.STRING, [None, 1])],
     [array("limit", [1000]), array("zero", [0])], domains=[("ai.onnx.ml", 3)])

# Every type that is served, given back as it came.
save("every_type", [helper.make_node("Identity", ["in_" + name], ["out_" + name]) for name in NUMBERS],
     [value("in_" + name, kind, [None]) for name, kind in NUMBERS.items()],
     [value("out_" + name, kind, [None]) for name, kind in NUMBERS.items()])

# Declares one label, gives one a row: what converters are known to write.
save("lying", [helper.make_node("ArgMax", ["x"], ["label"], axis=1, keepdims=0)],
     [value("x", T.FLOAT, [None, 3])], [value("label", T.INT64, [1])])

# NaN for numbers below 0.
save("logarithm", [helper.make_node("Log", ["x"], ["y"])], [value("x", T.DOUBLE, [None, 1])], [value("y", T.DOUBLE, [None, 1])])

# Fails when it runs: the index is out of range.
save("indexed", [helper.make_node("Gather", ["table", "at"], ["y"])], [value("at", T.INT64, [None])],
     [value("y", T.FLOAT, [None])], [array("table", [5, 6, 7])])

# The same with more room.
save("indexed_more", [helper.make_node("Gather", ["table", "at"], ["y"])], [value("at", T.INT64, [None])],
     [value("y", T.FLOAT, [None])], [array("table", range(10))])

save("unknown_op", [helper.make_node("NoSuchOperator", ["x"], ["y"])], [value("x", T.FLOAT, [1])], [value("y", T.FLOAT, [1])])

save("eighth", [helper.make_node("Identity", ["x"], ["y"])], [value("x", T.FLOAT8E4M3FN, [1])], [value("y", T.FLOAT8E4M3FN, [1])], opset=19)

# 16-bit floats, computed: y = x + 1.
save("half", [helper.make_node("Add", ["x", "one"], ["y"])], [value("x", T.FLOAT16, [None, 1])], [value("y", T.FLOAT16, [None, 1])],
     [array("one", [1], np.float16)])

external = array("w", [[1], [10], [100]])
external.ClearField("raw_data")
external.data_location = T.EXTERNAL
external.external_data.add(key="location", value="somewhere_else.bin")
save("external", [helper.make_node("MatMul", ["x", "w"], ["y"])], [value("x", T.FLOAT, [None, 3])],
     [value("y", T.FLOAT, [None, 1])], [external])
# The same, hidden in the attribute of a node.
save("external_inside", [helper.make_node("Constant", [], ["w"], value=external), helper.make_node("MatMul", ["x", "w"], ["y"])],
     [value("x", T.FLOAT, [None, 3])], [value("y", T.FLOAT, [None, 1])])

# Small files that want more than there is. Eight constants of 256 MiB, which a runtime computes before it serves; and one
# of 256 GiB.
fill = numpy_helper.from_array(np.array([1], dtype=np.float32), "value")


def constants(name, count, elements):
    shapes = [helper.make_node("ConstantOfShape", [f"shape{i}"], [f"constant{i}"], value=fill) for i in range(count)]
    sums = [helper.make_node("Add", ["x" if i == 0 else f"sum{i - 1}", f"constant{i}"], [f"sum{i}"]) for i in range(count)]
    save(name, shapes + sums, [value("x", T.FLOAT, [None, 1])], [value(f"sum{count - 1}", T.FLOAT, [None, None])],
         [array(f"shape{i}", [elements], np.int64) for i in range(count)])


constants("bomb", 8, 1 << 26)
constants("huge", 1, 1 << 36)

# Counts for ever.
body = helper.make_graph(
    [helper.make_node("Identity", ["going"], ["going_on"]), helper.make_node("Add", ["count", "one"], ["counted"])], "body",
    [value("step", T.INT64, []), value("going", T.BOOL, []), value("count", T.FLOAT, [None, 1])],
    [value("going_on", T.BOOL, []), value("counted", T.FLOAT, [None, 1])], [array("one", [1])])
save("endless", [helper.make_node("Loop", ["most", "", "x"], ["y"], body=body)],
     [value("x", T.FLOAT, [None, 1])], [value("y", T.FLOAT, [None, 1])], [array("most", np.iinfo(np.int64).max, np.int64)])


# As endless, but only when it is asked to: with zeros, as a trial asks, it ends at once.
save("sometimes_endless",
     [helper.make_node("ReduceMax", ["x"], ["largest"], keepdims=0), helper.make_node("Cast", ["largest"], ["most"], to=T.INT64),
      helper.make_node("Loop", ["most", "", "x"], ["y"], body=body)],
     [value("x", T.FLOAT, [None, 1])], [value("y", T.FLOAT, [None, 1])])


# Choices within choices.
def nested(depth):
    if depth == 0:
        return helper.make_graph([helper.make_node("Identity", ["x"], ["y0"])], "inner", [], [value("y0", T.FLOAT, [None, 1])])
    inner = nested(depth - 1)
    return helper.make_graph([helper.make_node("If", ["yes"], [f"y{depth}"], then_branch=inner, else_branch=inner)], f"g{depth}", [],
                             [value(f"y{depth}", T.FLOAT, [None, 1])])


save("nested", list(nested(3).node), [value("x", T.FLOAT, [None, 1])], [value("y3", T.FLOAT, [None, 1])], [array("yes", True, np.bool_)])
