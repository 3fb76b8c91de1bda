"""Writes schema.yaml and schema.json by Pandera's own io: pip install "pandera[io,pandas]==0.35.0"; python make_pandera.py"""
import pandera.pandas as pa

schema = pa.DataFrameSchema(
    {
        "id": pa.Column("int64", pa.Check.gt(0), unique=True, description="the key"),
        "amount": pa.Column("float64", [pa.Check.in_range(0, 100, include_min=False), pa.Check.ne(13)], nullable=True),
        "state": pa.Column(str, pa.Check.isin(["new", "paid"])),
        "code": pa.Column(str, [pa.Check.str_matches("^K-[0-9]+$"), pa.Check.str_length(3, 9)]),
        "day": pa.Column("datetime64[ns]", nullable=True, required=False),
        "even": pa.Column(bool, pa.Check(lambda s: s.any(), name="some")),
    },
    unique=["state", "code"],
    name="orders",
)
schema.to_yaml("schema.yaml")
open("schema.json", "w").write(schema.to_json(indent=1))
