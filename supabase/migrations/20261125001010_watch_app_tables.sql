-- The feature store follows the example app's tables. An adopter leaves this file out and calls recsys.watch for their own tables.
select recsys.watch('public.posts', 'posts');
select recsys.watch('public.post_views', 'interactions');
select recsys.watch('public.post_votes', 'interactions', p_others => array['value']);
select recsys.watch('public.comments', 'interactions');
select recsys.watch('public.logins', 'logins');
