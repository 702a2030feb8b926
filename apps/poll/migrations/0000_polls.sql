CREATE SCHEMA "app_poll";
--> statement-breakpoint
CREATE TABLE "app_poll"."polls" (
	"room" text NOT NULL,
	"id" uuid NOT NULL,
	"question" text NOT NULL,
	"options" text[] NOT NULL,
	"multiple" boolean NOT NULL,
	"anonymous" boolean NOT NULL,
	"hidden" boolean NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"closed_at" timestamp with time zone,
	CONSTRAINT "polls_room_id_pk" PRIMARY KEY("room","id")
);
--> statement-breakpoint
CREATE TABLE "app_poll"."votes" (
	"room" text NOT NULL,
	"poll" uuid NOT NULL,
	"voter" text NOT NULL,
	"option" smallint NOT NULL,
	CONSTRAINT "votes_room_poll_voter_option_pk" PRIMARY KEY("room","poll","voter","option")
);
--> statement-breakpoint
ALTER TABLE "app_poll"."votes" ADD CONSTRAINT "votes_room_poll_polls_room_id_fk" FOREIGN KEY ("room","poll") REFERENCES "app_poll"."polls"("room","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "polls_newest" ON "app_poll"."polls" USING btree ("room","created_at" desc);