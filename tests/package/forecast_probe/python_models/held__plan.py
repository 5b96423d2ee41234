from tests.package.declared_plans import plan


def model(dbt, session):
    dbt.config(materialized="causal")
    dbt.ref("causal", "library_version")
    dbt.ref("held")
    fit = dbt.ref("held__fit")
    consistency = dbt.ref("held__consistency")
    return plan(dbt.causal, fit, consistency)
