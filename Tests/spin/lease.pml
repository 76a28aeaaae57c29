/* The lease on the registry: a server goes by what it has read for 4 s, and a command that changes the registry waits for
   every server that was heard of within 5 s. One server, since servers do not know of one another here; one command; a
   fail-over that may leave the server with the old primary. A step of the clock is a second, and anything may take any
   time. docs/model.md is about all this. */

#ifndef CHECK
#define CHECK 1
#endif
#define LEASE 1 /* promise lease: a server that goes by the old registry when a command has ended */
#define PROMISE(name, holds) assert(!(CHECK & name) || (holds))

#define LONG_LEASE 1  /* breaks lease: it holds for longer than a server is waited for */
#define FROM_ANSWER 2 /* breaks lease: it counts from the answer, not from the question */
#define OLD_PRIMARY 3 /* breaks lease: a poll does not wait for the standby */
#ifndef BUG
#define BUG 0
#endif

#define LEASE_SECONDS (BUG == LONG_LEASE -> 6 : 4) /* Swift: Lease.milliseconds */
#define GONE_SECONDS 5                             /* Swift: Nodes.goneAfterMilliseconds */
#define LAST_SECOND 16

byte now;
bit version;      /* of the registry, in the database that takes changes */
byte seen_at;     /* the row in `nodes` there */
bit seen_version;
bit is_cut;       /* the server still reaches the old primary, and nothing else */
bit has = 0;      /* the version that its requests see */
byte ends = LEASE_SECONDS; /* Swift: Lease.holds */
bit command_ended, failed_over;

inline serve() { PROMISE(LEASE, now >= ends || !command_ended || has == 1) }

active proctype Server() {
    byte asked;
    bit read;
    do
    :: atomic { now < LAST_SECOND -> asked = now } /* Swift: NodePoll */
        if
        :: atomic { !is_cut -> seen_at = now; seen_version = has; read = version }
            if
            :: atomic { !is_cut || BUG == OLD_PRIMARY ->
                has = read; ends = (BUG == FROM_ANSWER -> now : asked) + LEASE_SECONDS; serve() }
            :: skip /* the answer is lost */
            fi
#if BUG == OLD_PRIMARY
        :: atomic { is_cut -> has = 0; ends = asked + LEASE_SECONDS; serve() }
#endif
        :: skip /* it does not get there, or the server stands still */
        fi;
        asked = 0; read = 0
    :: now == LAST_SECOND -> break
    od
}

active proctype Command() { /* Swift: SharedRegistry, Nodes.alive */
    version = 1;
end_waiting: /* the clock of the model may end before */
    (seen_version == 1 || now >= seen_at + GONE_SECONDS);
    atomic { command_ended = 1; serve() }
}

active proctype World() {
end:
    do
    :: atomic { now < LAST_SECOND -> now++ }
    :: atomic { !failed_over -> failed_over = 1;
        if
        :: is_cut = 1
        :: skip
        fi }
    od
}
