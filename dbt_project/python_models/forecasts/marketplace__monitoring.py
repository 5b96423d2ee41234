from dbt_causal.forecasts import monitoring


def model(dbt, session):
    dbt.config(materialized="causal")
    dbt.ref("causal", "library_version")
    history = dbt.ref("marketplace")
    fitted = dbt.ref("marketplace__fit")
    actuals = dbt.ref("marketplace_actuals")
    experiments = dbt.ref("experiments")
    return monitoring(dbt.causal, history, fitted, actuals, experiments)
