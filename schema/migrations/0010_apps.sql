CREATE TABLE "apps" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"version" text NOT NULL,
	"component_url" text,
	"integrity" text
);
--> statement-breakpoint
CREATE TABLE "room_apps" (
	"room" text NOT NULL,
	"app" text NOT NULL,
	"installed_by" text NOT NULL,
	"installed_at" timestamp with time zone DEFAULT now() NOT NULL,
	"version" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "room_apps_room_app_pk" PRIMARY KEY("room","app")
);
--> statement-breakpoint
ALTER TABLE "room_apps" ADD CONSTRAINT "room_apps_room_rooms_id_fk" FOREIGN KEY ("room") REFERENCES "public"."rooms"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "room_apps" ADD CONSTRAINT "room_apps_app_apps_id_fk" FOREIGN KEY ("app") REFERENCES "public"."apps"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "room_apps_app" ON "room_apps" USING btree ("app");