-- `apps.remove` drops the schema of an app with this function, which runs as the owner of the schema, so that
-- the database user of the runtime needs no right to create or drop anything.
CREATE FUNCTION "remove_app_schema"("app" text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', 'app_' || app);
END $$;
--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION "remove_app_schema"(text) FROM PUBLIC;
