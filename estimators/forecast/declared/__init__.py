"""A forecast declared in the YAML of a dbt model, so that it is reviewed in a pull request as a study is."""
