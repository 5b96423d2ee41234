{{ config(materialized='view') }}

{{ causal.gated(ref('probe__results')) }}
