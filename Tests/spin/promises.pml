/* The promises by the names that the checker of histories has for them (Tests/cluster/promises.py), the mistakes that
   can be planted, and who asks. */

#define TWICE 1    /* promise twice: a code that was exchanged twice */
#define FOREIGN 2  /* promise foreign: something of one institution that another could use */
#define VOID 4     /* promise void: a code that was exchanged after its consent was revoked */
#define REFUSED 8  /* promise refused: a good code that was refused; also one whose exchange got 503 */
#define DEAD 16    /* promise dead: a token that is not alive, though nobody has ended it: after a crash, a fail-over */
#define REVIVED 32 /* promise revived: a token that is alive, though it had been ended: revoked, or by a replay */
#define KEY 64     /* promise key: another answer to the same exchange under the same key */

#ifndef CHECK
#define CHECK 127
#endif
#define PROMISE(name, holds) assert(!(CHECK & name) || (holds))

/* Mistakes, each with the promise that it breaks. */
#define TWO_STEPS 1       /* breaks twice: a code is looked at first, and spent then */
#define ASYNCHRONOUS 2    /* breaks dead: nobody waits for the standby */
#define UNDO_ANY 3        /* breaks dead: an undo does not look whose exchange it takes back */
#define NO_FENCE 4        /* breaks refused: what was sent on a lost connection may still happen later */
#define READ_AGAIN 5      /* breaks dead: what is in doubt is repeated without a change of its own */
#define NO_UNDO 6         /* breaks refused: 503, and the code stays spent */
#define KEEP_REPLAYED 7   /* breaks revived: a replay is refused, and its token stays */
#define ANY_BANK 8        /* breaks foreign: the institution is not looked at */
#define FORGET_CONSENT 9  /* breaks void: the revoked consent is not looked at */
#define KEY_IS_REPLAY 10  /* breaks key: a repetition under its key is taken for a replay */
#define READ_ONLY 11      /* breaks revived: an answer rests on what another has changed, and does not wait for the standby */

#ifndef BUG
#define BUG 0
#endif

/* Attempt(number, code, all of the same key, token, institution). Of one key: of one code, client and provider. */
#ifndef SCENARIO
#define SCENARIO 1
#endif
#if SCENARIO == 1 /* scenario race: three want one code, each without a key */
#define ON_FIRST (BIT(1) | BIT(2) | BIT(3))
#define ON_SECOND 0
#define FOREIGN_ONES 0
#define SAME_TOKEN false
#define SCENARIO_RUNS run Attempt(1, 0, 0, 1, OWN); run Attempt(2, 0, 0, 2, OWN); run Attempt(3, 0, 0, 3, OWN)
#elif SCENARIO == 2 /* scenario key: two under one key, one without */
#define ON_FIRST (BIT(1) | BIT(2) | BIT(3))
#define ON_SECOND 0
#define FOREIGN_ONES 0
#define SAME_TOKEN true
#define SCENARIO_RUNS run Attempt(1, 0, BIT(1) | BIT(2), 1, OWN); run Attempt(2, 0, BIT(1) | BIT(2), twin, OWN); \
    run Attempt(3, 0, 0, 3, OWN)
#elif SCENARIO == 3 /* scenario revoke: a token is revoked while its exchange is repeated */
#define ON_FIRST (BIT(1) | BIT(2))
#define ON_SECOND 0
#define FOREIGN_ONES 0
#define SAME_TOKEN true
#define SCENARIO_RUNS run Attempt(1, 0, BIT(1) | BIT(2), 1, OWN); run Attempt(2, 0, BIT(1) | BIT(2), twin, OWN); \
    run Revoker(0, false)
#elif SCENARIO == 4 /* scenario consent: a consent is revoked amid an exchange and its repetition */
#define ON_FIRST (BIT(1) | BIT(2))
#define ON_SECOND 0
#define FOREIGN_ONES 0
#define SAME_TOKEN true
#define SCENARIO_RUNS run Attempt(1, 0, BIT(1) | BIT(2), 1, OWN); run Attempt(2, 0, BIT(1) | BIT(2), twin, OWN); \
    run Revoker(0, true)
#elif SCENARIO == 5 /* scenario codes: two codes; another institution tries one of them, which has a key */
#define ON_FIRST (BIT(1) | BIT(2))
#define ON_SECOND BIT(3)
#define FOREIGN_ONES BIT(2)
#define SAME_TOKEN false
#define SCENARIO_RUNS run Attempt(1, 0, BIT(1), 1, OWN); run Attempt(2, 0, 0, 2, OTHER); run Attempt(3, 1, 0, 3, OWN)
#endif
