CREATE SCHEMA "app_standup";
--> statement-breakpoint
CREATE TABLE "app_standup"."answers" (
	"room" text NOT NULL,
	"day" text NOT NULL,
	"user_id" text NOT NULL,
	"done" text NOT NULL,
	"next" text NOT NULL,
	"blockers" text NOT NULL,
	"submitted_at" timestamp with time zone,
	CONSTRAINT "answers_room_day_user_id_pk" PRIMARY KEY("room","day","user_id")
);
--> statement-breakpoint
CREATE TABLE "app_standup"."settings" (
	"room" text PRIMARY KEY NOT NULL,
	"time" text NOT NULL,
	"time_zone" text NOT NULL,
	"days" smallint[] NOT NULL,
	"minutes" integer NOT NULL,
	"opens_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "app_standup"."standups" (
	"room" text NOT NULL,
	"day" text NOT NULL,
	"closes_at" timestamp with time zone NOT NULL,
	"closed_at" timestamp with time zone,
	"members" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "standups_room_day_pk" PRIMARY KEY("room","day")
);
--> statement-breakpoint
CREATE INDEX "settings_due" ON "app_standup"."settings" USING btree ("opens_at");--> statement-breakpoint
CREATE INDEX "standups_due" ON "app_standup"."standups" USING btree ("closed_at","closes_at");