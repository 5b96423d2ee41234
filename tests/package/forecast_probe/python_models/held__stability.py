from tests.package.declared_plans import stability


def model(dbt, session):
    dbt.config(materialized="causal")
    dbt.ref("causal", "library_version")
    dbt.ref("held")
    fit = dbt.ref("held__fit")
    plan = dbt.ref("held__plan")
    return stability(dbt.causal, fit, plan)
