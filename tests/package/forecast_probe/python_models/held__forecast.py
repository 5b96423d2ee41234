from tests.package.declared_plans import forecast


def model(dbt, session):
    dbt.config(materialized="causal")
    dbt.ref("causal", "library_version")
    dbt.ref("held")
    fit = dbt.ref("held__fit")
    return forecast(dbt.causal, fit)
