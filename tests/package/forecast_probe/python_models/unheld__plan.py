from tests.package.declared_plans import plan


def model(dbt, session):
    dbt.config(materialized="causal")
    dbt.ref("causal", "library_version")
    dbt.ref("unheld")
    fit = dbt.ref("unheld__fit")
    consistency = dbt.ref("unheld__consistency")
    return plan(dbt.causal, fit, consistency)
