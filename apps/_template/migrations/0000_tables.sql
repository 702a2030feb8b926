CREATE SCHEMA "app___name__";
--> statement-breakpoint
CREATE TABLE "app___name__"."rolls" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"room" text NOT NULL,
	"user_id" text NOT NULL,
	"result" smallint NOT NULL
);
--> statement-breakpoint
CREATE INDEX "rolls_newest" ON "app___name__"."rolls" USING btree ("room","id" desc);