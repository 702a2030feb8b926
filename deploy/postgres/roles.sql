-- Creates two roles in an empty database: natter_owner for `runtime migrate`, and natter_runtime for
-- `runtime start --no-migrate`, which may read and write rows, but not create, change or drop tables.
-- Run this file once as a superuser, connected to the empty database. Then set the passwords of both roles:
-- \password natter_owner

create role natter_owner login;
create role natter_runtime login;

grant create on schema public to natter_owner;
do $$ begin
  execute format('grant create on database %I to natter_owner', current_database());
end $$;

-- These privileges apply to everything that migrations create later.
alter default privileges for role natter_owner grant usage on schemas to natter_runtime;
alter default privileges for role natter_owner
  grant select, insert, update, delete on tables to natter_runtime;
alter default privileges for role natter_owner grant usage on sequences to natter_runtime;
alter default privileges for role natter_owner grant execute on functions to natter_runtime;

-- A migration can configure only its own role. JIT compilation would take up to a second for a statement that runs
-- for milliseconds. Without generic plans, PostgreSQL would plan some prepared statements at each call.
alter role natter_runtime set jit = off;
alter role natter_runtime set plan_cache_mode = force_generic_plan;
-- The runtime sets this for its connections, too, but PgBouncer does not pass it on.
alter role natter_runtime set idle_in_transaction_session_timeout = '10s';
