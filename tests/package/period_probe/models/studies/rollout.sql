{{ causal.panel_table(cohort=ref('rollout__cohort'), features=[ref('feat_orders'), ref('feat_profile')]) }}
