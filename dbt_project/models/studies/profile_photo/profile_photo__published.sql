{{ causal.gated(ref('profile_photo__results')) }}
