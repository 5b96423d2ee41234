{{ config(materialized='view') }}
{{ causal.literal_rows(causal.all_features(), model.columns) if execute else 'select 1 as feature_name' }}
