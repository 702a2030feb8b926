CREATE SCHEMA "app_whiteboard";
--> statement-breakpoint
CREATE TABLE "app_whiteboard"."boards" (
	"room" text PRIMARY KEY NOT NULL,
	"version" integer NOT NULL,
	"merged_version" integer DEFAULT 0 NOT NULL,
	"merged_bytes" integer DEFAULT 0 NOT NULL,
	"bytes" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "app_whiteboard"."clients" (
	"room" text NOT NULL,
	"client" bigint NOT NULL,
	"user_id" text NOT NULL,
	"clock" bigint NOT NULL,
	CONSTRAINT "clients_room_client_pk" PRIMARY KEY("room","client")
);
--> statement-breakpoint
CREATE TABLE "app_whiteboard"."updates" (
	"room" text NOT NULL,
	"version" integer NOT NULL,
	"update" "bytea" NOT NULL,
	CONSTRAINT "updates_room_version_pk" PRIMARY KEY("room","version")
);
