CREATE TABLE "preferences" (
	"user_id" text PRIMARY KEY NOT NULL,
	"prefs" jsonb NOT NULL,
	"revision" bigint NOT NULL
);
--> statement-breakpoint
CREATE INDEX "rooms_archived" ON "rooms" USING btree ("archived_at") WHERE "rooms"."archived_at" is not null;