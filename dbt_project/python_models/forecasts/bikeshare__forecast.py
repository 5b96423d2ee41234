from dbt_causal.forecasts import forecast


def model(dbt, session):
    dbt.config(materialized="causal")
    dbt.ref("causal", "library_version")
    history = dbt.ref("bikeshare")
    fitted = dbt.ref("bikeshare__fit")
    return forecast(dbt.causal, history, fitted)
