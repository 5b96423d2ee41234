from dbt_causal.run import run_study


def model(dbt, session):
    dbt.config(materialized="causal")
    dbt.ref("causal", "library_version")
    study_table = dbt.ref("shared_discount")
    return run_study(dbt.causal, study_table)
