{{ causal.gated(ref('shared_discount__results')) }}
