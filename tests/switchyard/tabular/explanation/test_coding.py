"""Columns are coded and decoded as they came: a text is one value, shown by its beginning."""

import numpy as np
import pandas as pd

from switchyard.tabular.explanation.coding import Coding
from switchyard.tabular.tables.schema import Column


def test_a_text_is_one_value_of_its_column_as_it_was_written():
    columns = (Column(name="said", kind="text", role="feature"), Column(name="age", kind="numeric", role="feature"))
    long = "Very GOOD! " * 40
    frame = pd.DataFrame({"said": np.array([long, None, "Bad?"], dtype=object), "age": [1.0, 2.0, np.nan]})
    coding = Coding.of(columns, frame)
    matrix = coding.encode(frame)
    decoded = coding.decode(matrix)
    assert decoded["said"].tolist() == [long, "__missing__", "Bad?"]
    assert len(set(matrix[:, 0])) == 3 and matrix[:, 0].min() >= 0
    assert [coding.shown(0, code) for code in matrix[:, 0]] == [long[:57] + "...", "missing", "Bad?"]
