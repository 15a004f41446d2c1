"""NannyML's univariate drift on the windows that `benchmarks.drift` writes, in an environment of its own: `nannyml_peer.py FOLDER`.

Each pair of `FOLDER/N-past.npz` and `N-now.npz` (columns by name) is looked at by its default (the Jensen-Shannon distance of every
column, alert beyond three standard deviations of the reference's own chunks), in chunks of the window's size, or of a tenth of the
reference where that is smaller, since the limit is learnt from several; a column counts as drifted when most of the window's chunks
alert. Prints JSON: the drifted columns of each pair, in order.
"""

import json
import os
import sys
import warnings
from pathlib import Path

os.environ["NML_DISABLE_USAGE_LOGGING"] = "true"
warnings.simplefilter("ignore")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from nannyml import UnivariateDriftCalculator  # noqa: E402


def drifted(past: pd.DataFrame, now: pd.DataFrame) -> list[str]:
    """Names of the columns that alert."""
    names = list(past.columns)
    kinds = [name for name in names if name[0] == "c"]
    size = min(len(now), len(past) // 10)
    looked = UnivariateDriftCalculator(column_names=names, treat_as_categorical=kinds, chunk_size=size).fit(past).calculate(now)
    found = looked.filter(period="analysis").to_df()
    return [key[0] for key in found.columns if key[-1] == "alert" and found[key].mean() > 0.5]


def main() -> None:
    folder = Path(sys.argv[1])
    found = []
    for number in range(len(list(folder.glob("*-past.npz")))):
        sides = [pd.DataFrame(dict(np.load(folder / f"{number}-{side}.npz"))) for side in ("past", "now")]
        found.append(drifted(*sides))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
