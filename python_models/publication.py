from dbt_causal.publication import publish


def model(dbt, session):
    dbt.config(materialized="causal")
    dbt.ref("library_version")
    tables = {"published_effects": dbt.ref("published_effects")}
    tables["checks"] = dbt.ref("checks")
    tables["balance"] = dbt.ref("balance")
    tables["overlap"] = dbt.ref("overlap")
    tables["attrition"] = dbt.ref("attrition")
    tables["event_times"] = dbt.ref("event_times")
    tables["series"] = dbt.ref("series")
    tables["sensitivity"] = dbt.ref("sensitivity")
    tables["study_advice"] = dbt.ref("study_advice")
    tables["runs"] = dbt.ref("runs")
    tables["ledger"] = dbt.ref("ledger")
    tables["dim_studies"] = dbt.ref("dim_studies")
    tables["dim_features"] = dbt.ref("dim_features")
    return publish(dbt.causal, session, tables)
