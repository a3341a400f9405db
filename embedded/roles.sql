-- The database `patch` and who may do what in it. Run by psql (14 or later) as a superuser; may be run again.
-- Passwords come from the environment: PATCH_OWNER_PASSWORD, PATCH_WEB_PASSWORD, PATCH_WORKER_PASSWORD, PATCH_SIGNER_PASSWORD.
-- Needs Postgres 15 or later. Rights on tables are granted by our migrations, not here.
\set ON_ERROR_STOP on
\getenv owner_password PATCH_OWNER_PASSWORD
\getenv web_password PATCH_WEB_PASSWORD
\getenv worker_password PATCH_WORKER_PASSWORD
\getenv signer_password PATCH_SIGNER_PASSWORD

-- No password in the server's log, whatever it is told to write there.
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SET log_min_duration_statement = -1;

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['patch_owner', 'patch_web', 'patch_worker', 'patch_signer', 'patch_scheduler', 'patch_lookup']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

-- NOINHERIT: policies written TO patch_scheduler apply to a worker only after SET LOCAL ROLE patch_scheduler.
-- It stands before the GRANT because Postgres 16 and later copy it into the membership.
ALTER ROLE patch_owner LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION PASSWORD :'owner_password';
ALTER ROLE patch_web LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION PASSWORD :'web_password';
ALTER ROLE patch_worker LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION PASSWORD :'worker_password';
ALTER ROLE patch_signer LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION PASSWORD :'signer_password';
ALTER ROLE patch_scheduler NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION;
ALTER ROLE patch_lookup NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION;
GRANT patch_scheduler TO patch_worker;
-- Owns the few functions that say whose a credential is; a migration hands them over, which takes membership.
GRANT patch_lookup TO patch_owner;

SELECT 'CREATE DATABASE patch OWNER patch_owner'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'patch')
\gexec
ALTER DATABASE patch OWNER TO patch_owner;
REVOKE ALL ON DATABASE patch FROM PUBLIC;
GRANT CONNECT ON DATABASE patch TO patch_owner, patch_web, patch_worker, patch_signer;

\connect patch
ALTER SCHEMA public OWNER TO patch_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO patch_web, patch_worker, patch_signer, patch_scheduler, patch_lookup;
