{{ causal.gated(ref('tobacco_programme__results')) }}
