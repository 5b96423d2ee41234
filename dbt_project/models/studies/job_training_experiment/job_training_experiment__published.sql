{{ causal.gated(ref('job_training_experiment__results')) }}
