{{ config(materialized='view') }}

{{ causal.gated(ref('bad__results')) }}
