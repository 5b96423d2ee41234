{{ causal.study_table(
    cohort=ref('job_training_experiment__cohort'),
    features=[ref('feat_attributes'), ref('feat_earnings')]
) }}
