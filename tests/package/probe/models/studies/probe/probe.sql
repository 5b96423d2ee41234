{{ causal.study_table(cohort=ref('probe__cohort'), features=[ref('feat_visits'), ref('feat_profile')]) }}
