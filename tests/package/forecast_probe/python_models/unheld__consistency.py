from tests.package.declared_plans import consistency


def model(dbt, session):
    dbt.config(materialized="causal")
    dbt.ref("causal", "library_version")
    dbt.ref("unheld")
    fit = dbt.ref("unheld__fit")
    return consistency(dbt.causal, fit)
