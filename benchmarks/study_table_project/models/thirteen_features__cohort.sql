select
    user_id as unit_id,
    treatment,
    treated_at
from {{ source('raw', 'users') }}
