from dbt_causal.forecasts import consistency


def model(dbt, session):
    dbt.config(materialized="causal")
    dbt.ref("causal", "library_version")
    history = dbt.ref("marketplace_without_experiments")
    fitted = dbt.ref("marketplace_without_experiments__fit")
    experiments = dbt.ref("experiments")
    return consistency(dbt.causal, history, fitted, experiments)
