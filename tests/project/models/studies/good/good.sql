{{ causal.study_table(cohort=ref('good__cohort'), features=[ref('feat_sessions'), ref('feat_profile')]) }}
