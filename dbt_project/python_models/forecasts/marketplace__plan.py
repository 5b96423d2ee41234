from dbt_causal.forecasts import plan


def model(dbt, session):
    dbt.config(materialized="causal")
    dbt.ref("causal", "library_version")
    history = dbt.ref("marketplace")
    fitted = dbt.ref("marketplace__fit")
    consistency = dbt.ref("marketplace__consistency")
    experiments = dbt.ref("experiments")
    return plan(dbt.causal, history, fitted, consistency, experiments)
