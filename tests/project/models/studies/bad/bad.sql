{{ causal.study_table(cohort=ref('bad__cohort'), features=[ref('feat_sessions'), ref('feat_profile')]) }}
