"""The command `causal`. Each subcommand imports what it needs, so that `causal validate` answers within a second."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

EXIT_FAULT = 2
METHODS = ("difference", "cem", "aipw", "iv", "panel", "did", "bsts", "synthetic_control")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 fine, 2 faults in definitions or arguments (each printed with its place and fix)."""
    from estimators.errors import CausalError

    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except CausalError as error:
        print(error, file=sys.stderr)
        return EXIT_FAULT
    except BrokenPipeError:  # the reader (`causal status | head`) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="causal", description="Studies of dbt-causal: write, validate, look at them.")
    commands = parser.add_subparsers(required=True, metavar="command")
    _new_command(commands.add_parser("new", help="write the five files of a study"))
    validate = commands.add_parser("validate", help="check every definition of a project, without dbt")
    validate.add_argument("--project-dir", type=Path, default=Path())
    validate.set_defaults(command=_validate)
    schema = commands.add_parser("schema", help="print the JSON schema of a definition")
    schema.add_argument("kind", nargs="?", choices=("study", "forecast"), default="study")
    schema.set_defaults(command=_schema)
    version = commands.add_parser("library-version", help="the version that the dbt package and the library share")
    how = version.add_mutually_exclusive_group()
    how.add_argument("--check", action="store_true", help="fail if the dbt package holds another version")
    how.add_argument("--write", action="store_true", help="write it into the dbt package")
    version.set_defaults(command=_library_version)
    status = commands.add_parser("status", help="print the published effects")
    place = status.add_mutually_exclusive_group(required=True)
    place.add_argument("--database", type=Path, help="the results file, or the DuckDB file beside it")
    place.add_argument("--remote", help="a Spark Connect server, e.g. sc://localhost:15002")
    status.add_argument("--schema", default="causal", help="of the Spark target; <schema>_results is read")
    status.set_defaults(command=_status)
    return parser


def _new_command(new: argparse.ArgumentParser) -> None:
    new.add_argument("study", help="name of the study, e.g. push_campaign")
    new.add_argument("--project-dir", type=Path, default=Path())
    new.add_argument("--method", action="append", choices=METHODS, help="repeat for several; the first is the headline")
    new.add_argument(
        "--shape", choices=("cross_section", "panel", "series"), help="rows are units, or units or series over periods"
    )
    new.add_argument("--design", choices=("randomised", "observational"), default="observational")
    new.add_argument("--estimand", choices=("ATT", "ATE", "ATO", "ATC", "LATE"))
    new.add_argument("--owner", default="analytics")
    new.add_argument(
        "--features", action="append", default=[], help="a model with registered features; may be repeated"
    )
    new.set_defaults(command=_new)


def _new(options: argparse.Namespace) -> int:
    from dbt_causal.new import METHODS_OF_SHAPE, Request, write_study

    methods = tuple(options.method or METHODS_OF_SHAPE[options.shape or "cross_section"])
    request = Request(
        study=options.study,
        methods=methods,
        asked_shape=options.shape or "",
        design=options.design,
        estimand=options.estimand or ("LATE" if methods[0] == "iv" else "ATT"),
        owner=options.owner,
        models=tuple(options.features),
    )
    for file in write_study(options.project_dir, request):
        print(file.relative_to(options.project_dir) if file.is_relative_to(options.project_dir) else file)
    print(f"next: write {options.study}__cohort.sql, read {options.study}.yml, then causal validate")
    return 0


def _validate(options: argparse.Namespace) -> int:
    from dbt_causal.definitions import faults
    from dbt_causal.project_files import definitions_in

    definitions = definitions_in(options.project_dir)
    found = faults(definitions)
    if not found:
        n_registries = sum(e.registry is not None for e in definitions.entries)
        n_forecasts = sum(e.forecast is not None for e in definitions.entries)
        forecasts = f", {n_forecasts} forecasts" if n_forecasts else ""
        print(f"{len(definitions.studies)} studies{forecasts} and {n_registries} registries are valid")
        return 0
    for fault in found:
        print(fault, file=sys.stderr)
    print(f"{len(found)} faults", file=sys.stderr)
    return EXIT_FAULT


def _schema(options: argparse.Namespace) -> int:
    import json

    from estimators import study
    from estimators.forecast.declared import definition as forecast

    module = {"study": study, "forecast": forecast}[options.kind]
    print(json.dumps(module.json_schema(), indent=2))
    return 0


def _library_version(options: argparse.Namespace) -> int:
    from dbt_causal import library_version

    flags = [flag for flag, wanted in (("--check", options.check), ("--write", options.write)) if wanted]
    return library_version.main(flags)


def _status(options: argparse.Namespace) -> int:
    if options.remote:
        from dbt_causal.spark_report import print_spark_report

        return print_spark_report(options.remote, options.schema)
    from dbt_causal.report import print_report

    return print_report(options.database)
