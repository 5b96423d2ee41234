{{ config(materialized='view') }}

{{ causal.gated(ref('rollout__results')) }}
