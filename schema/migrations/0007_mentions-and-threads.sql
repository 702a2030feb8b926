CREATE TABLE "mentions" (
	"message_id" text NOT NULL,
	"user_id" text NOT NULL,
	"room" text NOT NULL,
	"thread_id" text NOT NULL,
	"seq" bigint NOT NULL,
	"sender" text NOT NULL,
	"version" bigint NOT NULL,
	CONSTRAINT "mentions_message_id_user_id_pk" PRIMARY KEY("message_id","user_id")
);
--> statement-breakpoint
CREATE TABLE "thread_states" (
	"thread_id" text NOT NULL,
	"user_id" text NOT NULL,
	"room" text NOT NULL,
	"followed" boolean NOT NULL,
	"read_seq" bigint NOT NULL,
	"last_seq" bigint NOT NULL,
	CONSTRAINT "thread_states_thread_id_user_id_pk" PRIMARY KEY("thread_id","user_id")
);
--> statement-breakpoint
INSERT INTO "mentions" ("message_id", "user_id", "room", "thread_id", "seq", "sender", "version")
	SELECT "id", "member"."user_id", "message"."room", "thread_id", "message"."seq", "sender", coalesce("edited_seq", 0)
	FROM "messages" AS "message"
	JOIN "members" AS "member" ON "member"."room" = "message"."room" AND "member"."user_id" = any("message"."mentions")
	WHERE "mentions" <> '{}' AND "deleted_at" IS NULL AND "member"."user_id" <> "sender";
--> statement-breakpoint
INSERT INTO "thread_states" ("thread_id", "user_id", "room", "followed", "read_seq", "last_seq")
	SELECT "follower"."thread_id", "follower"."user_id", "follower"."room", true, least(coalesce("read"."seq", "last_seq"), "last_seq"), "last_seq"
	FROM (
		SELECT "thread_id", "sender" AS "user_id", "room" FROM "messages" WHERE "thread_id" <> ''
		UNION SELECT "thread_id", "user_id", "room" FROM "mentions" WHERE "thread_id" <> ''
		UNION SELECT "first"."id", "first"."sender", "first"."room"
			FROM "messages" AS "reply" JOIN "messages" AS "first" ON "first"."id" = "reply"."thread_id"
	) AS "follower"
	JOIN (
		SELECT "thread_id", max("seq") AS "last_seq" FROM "messages" WHERE "thread_id" <> '' GROUP BY "thread_id"
	) AS "thread" USING ("thread_id")
	LEFT JOIN "read_states" AS "read" ON "read"."room" = "follower"."room" AND "read"."user_id" = "follower"."user_id";
--> statement-breakpoint
DROP INDEX "messages_mentioning";--> statement-breakpoint
CREATE INDEX "mentions_user" ON "mentions" USING btree ("user_id","room","thread_id","seq","sender");--> statement-breakpoint
CREATE INDEX "thread_states_followed" ON "thread_states" USING btree ("user_id","last_seq") WHERE "thread_states"."followed";--> statement-breakpoint
CREATE INDEX "thread_states_unread" ON "thread_states" USING btree ("user_id","room","last_seq") WHERE "thread_states"."followed" and "thread_states"."last_seq" > "thread_states"."read_seq";--> statement-breakpoint
CREATE INDEX "messages_deleted_replies" ON "messages" USING btree ("room","thread_id","edited_seq") WHERE "messages"."deleted_at" is not null and "messages"."thread_id" <> '';