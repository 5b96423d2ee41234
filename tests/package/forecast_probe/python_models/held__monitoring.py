from tests.package.declared_plans import monitoring


def model(dbt, session):
    dbt.config(materialized="causal")
    dbt.ref("causal", "library_version")
    dbt.ref("held")
    fit = dbt.ref("held__fit")
    return monitoring(dbt.causal, fit)
