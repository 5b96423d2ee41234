from tests.package.declared_plans import fit


def model(dbt, session):
    dbt.config(materialized="causal")
    dbt.ref("causal", "library_version")
    dbt.ref("unheld")
    return fit(dbt.causal)
