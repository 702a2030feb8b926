/** In the place of what nats-core measures servers with, and brings along: nobody does that in a page. */
export {}
