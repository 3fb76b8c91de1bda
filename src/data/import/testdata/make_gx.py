"""Writes suite.json as Great Expectations itself saves a suite: pip install great_expectations==1.24.1; python make_gx.py > suite.json"""
import json

import great_expectations as gx
import great_expectations.expectations as gxe

gx.get_context(mode="ephemeral")
suite = gx.ExpectationSuite(name="orders")
for expectation in [
    gxe.ExpectColumnToExist(column="id"),
    gxe.ExpectColumnValuesToNotBeNull(column="id"),
    gxe.ExpectColumnValuesToNotBeNull(column="note", mostly=0.9),
    gxe.ExpectColumnValuesToBeUnique(column="id"),
    gxe.ExpectColumnValuesToBeBetween(column="amount", min_value=0, max_value=100, strict_min=True),
    gxe.ExpectColumnValuesToBeBetween(column="tax", max_value=50, mostly=0.95),
    gxe.ExpectColumnValuesToBeInSet(column="state", value_set=["new", "paid"], severity="warning"),
    gxe.ExpectColumnValuesToBeInSet(column="country", value_set=["DE", "FR"], mostly=0.99),
    gxe.ExpectColumnValuesToMatchRegex(column="code", regex="^K-[0-9]+$"),
    gxe.ExpectColumnValuesToMatchRegex(column="other", regex="^(?!x).*$"),
    gxe.ExpectColumnValueLengthsToBeBetween(column="code", min_value=3, max_value=9),
    gxe.ExpectColumnValuesToBeOfType(column="id", type_="INTEGER"),
    gxe.ExpectTableRowCountToBeBetween(min_value=10, max_value=1000),
    gxe.ExpectCompoundColumnsToBeUnique(column_list=["state", "code"]),
    gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="amount", column_B="tax", or_equal=True),
    gxe.ExpectColumnMeanToBeBetween(column="amount", min_value=1, max_value=2),
    gxe.ExpectColumnKLDivergenceToBeLessThan(
        column="amount", partition_object={"bins": [0, 1], "weights": [1.0]}, threshold=0.1),
    gxe.ExpectColumnValuesToBeBetween(
        column="amount", min_value=5, row_condition='state=="paid"', condition_parser="pandas"),
]:
    suite.add_expectation(expectation)
print(json.dumps(suite.to_json_dict(), indent=1))
