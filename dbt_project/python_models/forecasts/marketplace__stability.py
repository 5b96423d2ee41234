from dbt_causal.forecasts import stability


def model(dbt, session):
    dbt.config(materialized="causal")
    dbt.ref("causal", "library_version")
    history = dbt.ref("marketplace")
    fitted = dbt.ref("marketplace__fit")
    plan = dbt.ref("marketplace__plan")
    experiments = dbt.ref("experiments")
    return stability(dbt.causal, history, fitted, plan, experiments)
