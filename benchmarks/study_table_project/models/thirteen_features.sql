{{ causal.study_table(cohort=ref('thirteen_features__cohort'), features=[ref('feat_events')]) }}
