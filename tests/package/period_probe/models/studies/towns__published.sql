{{ config(materialized='view') }}

{{ causal.gated(ref('towns__results')) }}
