{{ config(materialized='view') }}

{{ causal.gated(ref('good__results')) }}
