from dbt_causal.forecasts import fit


def model(dbt, session):
    dbt.config(materialized="causal")
    dbt.ref("causal", "library_version")
    history = dbt.ref("bikeshare")
    return fit(dbt.causal, history)
