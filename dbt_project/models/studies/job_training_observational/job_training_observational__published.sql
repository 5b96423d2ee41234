{{ causal.gated(ref('job_training_observational__results')) }}
