CREATE TABLE "messages" (
	"id" text PRIMARY KEY NOT NULL,
	"room" text NOT NULL,
	"seq" bigint NOT NULL,
	"sender" text NOT NULL,
	"client_id" text NOT NULL,
	"text" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "messages_room_seq" UNIQUE("room","seq"),
	CONSTRAINT "messages_sender_client_id" UNIQUE("sender","client_id")
);
--> statement-breakpoint
CREATE TABLE "members" (
	"room" text NOT NULL,
	"user_id" text NOT NULL,
	"joined_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "members_room_user_id_pk" PRIMARY KEY("room","user_id")
);
--> statement-breakpoint
CREATE TABLE "rooms" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "rooms_kind" CHECK ("rooms"."kind" in ('public', 'private'))
);
--> statement-breakpoint
ALTER TABLE "members" ADD CONSTRAINT "members_room_rooms_id_fk" FOREIGN KEY ("room") REFERENCES "public"."rooms"("id") ON DELETE cascade ON UPDATE no action;