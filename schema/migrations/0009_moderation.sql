CREATE TABLE "invitations" (
	"room" text NOT NULL,
	"user_id" text NOT NULL,
	"by" text NOT NULL,
	"role" text NOT NULL,
	"state" text DEFAULT 'pending' NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "invitations_room_user_id_pk" PRIMARY KEY("room","user_id"),
	CONSTRAINT "invitations_role" CHECK ("invitations"."role" in ('owner', 'moderator', 'member', 'guest')),
	CONSTRAINT "invitations_state" CHECK ("invitations"."state" in ('pending', 'declined', 'quiet'))
);
--> statement-breakpoint
CREATE TABLE "blocks" (
	"user_id" text NOT NULL,
	"blocked" text NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "blocks_user_id_blocked_pk" PRIMARY KEY("user_id","blocked")
);
--> statement-breakpoint
CREATE TABLE "deactivations" (
	"user_id" text PRIMARY KEY NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "members" ADD COLUMN "is_request" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_room_rooms_id_fk" FOREIGN KEY ("room") REFERENCES "public"."rooms"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "invitations_pending" ON "invitations" USING btree ("user_id","at") WHERE "invitations"."state" = 'pending';