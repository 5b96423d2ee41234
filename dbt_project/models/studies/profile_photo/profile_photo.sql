{{ causal.study_table(
    cohort=ref('profile_photo__cohort'),
    features=[ref('feat_sessions'), ref('feat_messages'), ref('feat_accounts'), ref('feat_purchases')]
) }}
