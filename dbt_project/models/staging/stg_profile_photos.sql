with source as (
    select * from {{ source('product', 'profile_photos') }}
),

profile_photos as (
    select
        photo_id,
        user_id,
        uploaded_at
    from source
)

select * from profile_photos
