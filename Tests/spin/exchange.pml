/* The exchange of codes for tokens: clients, two servers, a database and its synchronous standby, two codes.

   Faults: a server crashes; the primary is lost, and the standby goes on; connections are lost before or after a
   commit; the wait for the standby is cancelled; answers are lost; nobody waits any longer (503).
   SCENARIO says who asks, CHECK which promises are looked at, BUG plants a mistake. docs/model.md is about all this.

   Names behind "Swift:" are what a step stands for, in Sources/PostgresStore unless it says another folder. */

#include "promises.pml"

#define SERVERS 2
#define CODES 2
#ifndef FAILOVERS
#define FAILOVERS 1
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef LOSSES
#define LOSSES 2
#endif
#define BIT(number) (1 << (number))
#define HAS(mask, number) ((mask) >> (number) & 1)

/* The rows of `codes` and `tokens`, and `revoked_consents` (Swift: TokenTables). A token has the number of the attempt
   that has drawn it; 0: none. `attempt` is the column of that name. */
typedef Database {
    byte token[CODES];
    byte attempt[CODES];
    byte alive; /* a bit for each token */
    byte withdrawn; /* a bit for each code whose consent is revoked */
}
Database primary, standby;
byte failovers;
byte losses; /* of connections, besides those that a fail-over ends */
byte lives[SERVERS]; /* how often each server was started anew */
byte crashes;
/* Swift: ChangeQueue.doubtful */
byte doubts[SERVERS * CODES];
#define DOUBT doubts[server * CODES + code]

/* What has been promised, and who has done what: nothing of the program reads these. A bit for each attempt. */
byte tries[CODES];      /* all attempts on a code */
byte foreigners;     /* attempts of another institution */
byte begun;
byte over;           /* nothing of it can happen any more */
byte idle;           /* over, and the code is as it was */
byte refused;        /* told 403 */
byte given[CODES];   /* the token of the 201 */
byte givers[CODES];  /* who was given it, and all of the same key */
byte harmless[CODES]; /* who was over before the one that was given the token began */
bit revoking[CODES]; /* somebody revokes its token or its consent */
bit ended[CODES];    /* the token is revoked, and somebody has been told so */
bit voided[CODES];   /* the consent is */

#define ALIVE(number, code) (HAS(primary.alive, number) && !HAS(primary.withdrawn, code))
/* Whether anybody may have ended the token of a code. */
#define MAY_END(code) (revoking[code] || (begun & tries[code] & ~foreigners & ~givers[code] & ~harmless[code]))

inline copy(from, to) {
    to.token[0] = from.token[0]; to.token[1] = from.token[1];
    to.attempt[0] = from.attempt[0]; to.attempt[1] = from.attempt[1];
    to.alive = from.alive; to.withdrawn = from.withdrawn
}

inline clear(one) {
    one.token[0] = 0; one.token[1] = 0; one.attempt[0] = 0; one.attempt[1] = 0; one.alive = 0; one.withdrawn = 0
}

/* A look-up of every token that was given, at this moment (Swift: Tokens/Issuing/Introspection). */
inline look() {
    PROMISE(DEAD, !given[0] || MAY_END(0) || ALIVE(given[0], 0));
    PROMISE(DEAD, !given[1] || MAY_END(1) || ALIVE(given[1], 1));
    PROMISE(REVIVED, !given[0] || !ended[0] || !ALIVE(given[0], 0));
    PROMISE(REVIVED, !given[1] || !ended[1] || !ALIVE(given[1], 1))
}

#define IS_BEHIND (failovers < FAILOVERS && (primary.token[0] != standby.token[0] || primary.token[1] != standby.token[1] \
    || primary.attempt[0] != standby.attempt[0] || primary.attempt[1] != standby.attempt[1] \
    || primary.alive != standby.alive || primary.withdrawn != standby.withdrawn))

/* The standby has all that was committed so far. After the last fail-over nothing more can be lost. */
inline replicate() {
    if
    :: failovers < FAILOVERS -> copy(primary, standby)
    :: else
    fi
}

/* A transaction that has changed something is acknowledged when the standby has it, and all before it. One that has
   changed nothing is at once, whatever it has read: a wait may have been cancelled. */
inline acknowledge() {
    if
    :: changed && BUG != ASYNCHRONOUS -> replicate()
    :: else
    fi
}

#if BUG == NO_FENCE
byte late, late_code, late_key; /* what is still to happen */
#endif

#include "attempt.pml"
#include "revoker.pml"

active proctype World() {
end:
    do
    :: d_step { IS_BEHIND -> replicate() }
    :: d_step { failovers < FAILOVERS -> /* the primary's machine is gone */
        copy(standby, primary); clear(standby); failovers++; look() }
    :: d_step { crashes < CRASHES -> /* a server is killed, and started again */
        crashes++; lives[0]++; doubts[0] = 0; doubts[1] = 0 }
    :: d_step { crashes < CRASHES -> crashes++; lives[1]++; doubts[2] = 0; doubts[3] = 0 }
#if BUG == NO_FENCE
    :: atomic { late && primary.token[late_code] == 0 ->
        primary.token[late_code] = late; primary.attempt[late_code] = (late_key -> late : 0);
        primary.alive = primary.alive | BIT(late); late = 0; look() }
#endif
    od
}

/* Who asks. Whether attempts under one key draw the same token, or different ones, depends on the millisecond. */
init {
    byte twin = 2;
    atomic {
        if
        :: skip
        :: SAME_TOKEN -> twin = 1
        fi;
        tries[0] = ON_FIRST; tries[1] = ON_SECOND; foreigners = FOREIGN_ONES;
        SCENARIO_RUNS
    }
}
