{{ causal.gated(ref('college_returns__results')) }}
