with united as (
  {{ causal.unite('effect', model.columns) }}
),

checks as (
  select * from {{ ref('checks') }}
),

gates as (
  {{ causal.gate_counts('checks') }}
),

{#- The library withholds a blocked study's figures already; this is the second wall before any shared table. #}
withheld as (
  select
    {{ causal.effect_items('united', condition='gates.n_blocking = 0') }}
  from united
  left join gates on united.study_id = gates.study_id and united.run_id = gates.run_id
)

select * from withheld
