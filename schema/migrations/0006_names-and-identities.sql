CREATE TABLE "user_name_keys" (
	"key" text NOT NULL,
	"user_id" text NOT NULL,
	"is_chosen" boolean NOT NULL,
	CONSTRAINT "user_name_keys_key_user_id_is_chosen_pk" PRIMARY KEY("key","user_id","is_chosen")
);
--> statement-breakpoint
CREATE TABLE "user_terms" (
	"term" text NOT NULL,
	"user_id" text NOT NULL
);
--> statement-breakpoint
DROP INDEX "users_id_prefix";--> statement-breakpoint
DROP INDEX "users_name_prefix";--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "handle" text;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "issuer" text;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "subject" text;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "indexed_version" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "user_name_keys_user" ON "user_name_keys" USING btree ("user_id");--> statement-breakpoint
CREATE UNIQUE INDEX "user_terms_term" ON "user_terms" USING btree ("term" text_pattern_ops,"user_id");--> statement-breakpoint
CREATE INDEX "user_terms_user" ON "user_terms" USING btree ("user_id");--> statement-breakpoint
CREATE UNIQUE INDEX "users_identity" ON "users" USING btree ("issuer","subject");--> statement-breakpoint
CREATE INDEX "users_indexed_version" ON "users" USING btree ("indexed_version");--> statement-breakpoint
UPDATE "rooms" SET "name" = normalize("name") WHERE "name" IS NOT NORMALIZED;--> statement-breakpoint
UPDATE "users" SET "chosen_name" = normalize("chosen_name") WHERE "chosen_name" IS NOT NORMALIZED;
