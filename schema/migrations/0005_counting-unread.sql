DROP INDEX "messages_named_in_threads";--> statement-breakpoint
CREATE INDEX "messages_mentioning" ON "messages" USING btree ("room","seq") WHERE "messages"."mentions" <> '{}';--> statement-breakpoint
CREATE INDEX "bans_user" ON "bans" USING btree ("user_id");--> statement-breakpoint
ALTER TABLE "messages" DROP CONSTRAINT "messages_room_thread_seq";--> statement-breakpoint
ALTER TABLE "messages" ADD CONSTRAINT "messages_room_thread_seq" UNIQUE("room","thread_id","seq") INCLUDE ("sender","deleted_at");
