{{ causal.gated(ref('minimum_wage__results')) }}
