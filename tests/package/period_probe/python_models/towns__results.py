from tests.package.declared_results import difference_in_means


def model(dbt, session):
    dbt.config(materialized="causal")
    dbt.ref("causal", "library_version")
    study_table = dbt.ref("towns")
    return difference_in_means(dbt.causal, study_table)
