{{ causal.gated(ref('thirteen_features__results')) }}
