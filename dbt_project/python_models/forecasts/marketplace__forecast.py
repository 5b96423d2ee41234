from dbt_causal.forecasts import forecast


def model(dbt, session):
    dbt.config(materialized="causal")
    dbt.ref("causal", "library_version")
    history = dbt.ref("marketplace")
    fitted = dbt.ref("marketplace__fit")
    experiments = dbt.ref("experiments")
    return forecast(dbt.causal, history, fitted, experiments)
