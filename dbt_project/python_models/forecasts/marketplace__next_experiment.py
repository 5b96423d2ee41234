from dbt_causal.forecasts import next_experiment


def model(dbt, session):
    dbt.config(materialized="causal")
    dbt.ref("causal", "library_version")
    history = dbt.ref("marketplace")
    fitted = dbt.ref("marketplace__fit")
    plan = dbt.ref("marketplace__plan")
    designs = dbt.ref("experiment_designs")
    experiments = dbt.ref("experiments")
    return next_experiment(dbt.causal, history, fitted, plan, designs, experiments)
