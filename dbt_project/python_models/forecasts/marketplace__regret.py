from dbt_causal.forecasts import regret


def model(dbt, session):
    dbt.config(materialized="causal")
    dbt.ref("causal", "library_version")
    history = dbt.ref("marketplace")
    fitted = dbt.ref("marketplace__fit")
    plan = dbt.ref("marketplace__plan")
    actuals = dbt.ref("marketplace_actuals")
    experiments = dbt.ref("experiments")
    return regret(dbt.causal, history, fitted, plan, actuals, experiments)
