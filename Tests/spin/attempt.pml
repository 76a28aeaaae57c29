/* One attempt to exchange a code, from the request to its end behind the answer. */

#define OWN 0
#define OTHER 1

/* What is sent to the database next. */
#define SPEND 1    /* Swift: Statement.spend */
#define ASK 2      /* Swift: Statement.question */
#define GIVE 3     /* Swift: Statement.give, FollowUp.Kind.give */
#define REVOKE 4   /* Swift: Statement.revokeTokens, FollowUp.Kind.revoke */
#define UNDO 5     /* Swift: Statement.undo */
#define READ 6     /* only where TWO_STEPS is planted */

/* What it has found there. */
#define MINE 1     /* this attempt has spent the code, or is given its token */
#define NOT_SPENT 2
#define FREE 3     /* the code could be spent after all */
#define BAD 4      /* it is to be refused; a replay has revoked by now */
#define GIFT 5     /* a repetition under its key */
#define REPLAY 6   /* with a key, and no repetition */

#define IS_GOOD (primary.token[code] == 0 && (BUG == FORGET_CONSENT || !HAS(primary.withdrawn, code)) \
    && (BUG == ANY_BANK || bank == OWN))
/* Swift: Redemption.number */
#define NUMBER (same -> number : 0)

inline take() {
    primary.token[code] = token; primary.attempt[code] = NUMBER;
    primary.alive = primary.alive | BIT(token)
}

#if BUG == TWO_STEPS
#define FIRST READ
inline spend() { /* `found` is what it has read */
    if
    :: found == FREE -> take(); found = MINE; changed = 1
    :: else -> found = NOT_SPENT; changed = again
    fi
}
#else
#define FIRST SPEND
inline spend() {
    if
    :: IS_GOOD -> take(); found = MINE; changed = 1
    :: else -> found = NOT_SPENT; changed = again && BUG != READ_AGAIN /* Swift: WriteBatch.nodeStep */
    fi
}
#endif

/* Swift: CodeRow.judge, and StoredCode.verdict in Tokens/Codes */
inline ask() {
    gift = primary.token[code];
    changed = BUG != READ_ONLY && BUG != READ_AGAIN; /* Swift: WriteSlot.ask sends nodeStep with it */
    if
    :: IS_GOOD -> found = FREE; gift = 0
    :: !IS_GOOD && (gift == 0 || bank == OTHER) -> found = BAD; gift = 0
    :: else ->
        if
        :: gift == token && (primary.attempt[code] == NUMBER || primary.attempt[code] == 0 && again) -> found = MINE
        :: else ->
            if
            :: HAS(same, gift) && ALIVE(gift, code) && BUG != KEY_IS_REPLAY -> found = GIFT
            :: same && !(HAS(same, gift) && ALIVE(gift, code) && BUG != KEY_IS_REPLAY) -> found = REPLAY
            :: !same -> /* the statement itself deletes the token */
                found = BAD; changed = changed || HAS(primary.alive, gift);
                primary.alive = primary.alive & ~(BUG == KEEP_REPLAYED -> 0 : BIT(gift)); gift = 0
            fi
        fi
    fi
}

inline give() {
    if
    :: primary.token[code] == gift -> primary.attempt[code] = 0; found = MINE; changed = 1
    :: else -> found = FREE; changed = 0
    fi
}

inline revoke() {
    changed = (BUG != READ_ONLY) || HAS(primary.alive, gift);
    primary.alive = primary.alive & ~BIT(gift); found = BAD; gift = 0
}

inline undo() {
    changed = 1; /* Swift: WriteSlot.undo sends nodeStep with it */
    if
    :: primary.token[code] == token && (BUG == UNDO_ANY || primary.attempt[code] == NUMBER) ->
        primary.token[code] = 0; primary.attempt[code] = 0; primary.alive = primary.alive & ~BIT(token)
    :: else
    fi
}

/* Nobody waits any more. Swift: ChangeQueue.abandon, ChangeQueue.giveUp */
inline answer_503() { DOUBT++; told = 1 }

inline leave() {
    over = over | BIT(number);
    if
    :: !same -> idle = idle | BIT(number)
    :: else /* a token that was to be given again stays, for whoever has the key */
    fi
}

/* What was answered 503 is in order. Swift: ChangeQueue.settle */
inline settle() { DOUBT--; leave() }

inline answer_201(which) {
    PROMISE(FOREIGN, bank == OWN);
    PROMISE(VOID, !was_void);
    PROMISE(TWICE, !given[code] || HAS(givers[code], number));
    PROMISE(KEY, !given[code] || !HAS(givers[code], number) || given[code] == which);
    PROMISE(REVIVED, !was_ended);
    if
    :: !given[code] -> given[code] = which; givers[code] = same | BIT(number); harmless[code] = was_over
    :: else
    fi;
    over = over | BIT(number);
    look()
}

/* Others that may have spent the code, or revoked the token of this key, as far as this one can see. Without a key: not who
   was told 403, nor who was over before it began and has left the code as it was. */
#define CAUSES (begun & tries[code] & ~foreigners & ~BIT(number) & ~(same & was_over) \
    & ~(same -> 0 : was_idle | refused))

inline answer_403() {
    PROMISE(KEY, !was_given || !HAS(givers[code], number) || MAY_END(code));
    PROMISE(REFUSED, bank == OTHER || revoking[code] || CAUSES);
    over = over | BIT(number); idle = idle | BIT(number); refused = refused | BIT(number);
    if
    :: was_given && bank == OWN -> ended[code] = 1
    :: else
    fi;
    look()
}

proctype Attempt(byte number, code, same, token; bit bank) {
    byte server, life, failed_over, stage, found, gift;
    bit again;   /* Swift: PendingChange.mayBeDone */
    bit told;    /* Swift: PendingChange.isAnswered */
    bit changed; /* the transaction has changed something */
    byte was_over, was_idle;
    bit was_void, was_ended, was_given;

    atomic {
        if /* the servers are alike */
        :: number != 2 -> server = 0
        :: number != 1 -> server = 1
        fi;
        life = lives[server]; begun = begun | BIT(number);
        was_over = over & tries[code]; was_idle = idle & tries[code];
        was_void = voided[code]; was_ended = ended[code]; was_given = given[code] != 0;
        if
        :: DOUBT -> leave(); goto finished /* 503 at once. Swift: ChangeQueue.take */
        :: else -> stage = FIRST
        fi
    }
send: /* It is with the database, and happens there at some moment, or not at all. */
    atomic {
        if
        :: life != lives[server] -> goto finished /* killed; the database may still do it: the cases below */
#if BUG == TWO_STEPS
        :: stage == READ -> found = (IS_GOOD -> FREE : NOT_SPENT); stage = SPEND; goto send
#endif
        :: stage == SPEND -> spend()
        :: stage == ASK -> ask()
        :: stage == GIVE -> give()
        :: stage == REVOKE -> revoke()
        :: stage == UNDO -> undo()
        :: losses < LOSSES -> losses++; goto lost /* and nothing happens later. Swift: Fence */
#if BUG == NO_FENCE
        :: losses < LOSSES && stage == SPEND && !late -> losses++; late = number; late_code = code; late_key = same; goto lost
#endif
        fi;
        failed_over = failovers; look()
    }
wait: /* It has happened there. */
    atomic {
        if
        :: life != lives[server] -> goto finished
        :: !told && stage != UNDO -> answer_503(); goto wait
        :: failed_over == failovers -> acknowledge()
        :: failed_over != failovers -> goto lost
        :: failed_over == failovers && losses < LOSSES -> losses++; goto lost
        fi;
        changed = 0; failed_over = 0;
        /* Swift: WriteSlot.settle, .ask, .judge, .follow, .read */
        if
        :: stage == UNDO -> settle(); goto finished
        :: stage != UNDO && told ->
            if
            :: found == MINE && stage != GIVE -> stage = UNDO; goto send
            :: (found == NOT_SPENT || found == FREE) && again -> stage = UNDO; goto send
            :: else -> settle(); goto finished
            fi
        :: else ->
            if
            :: found == MINE && stage != GIVE -> answer_201(token); goto finished
            :: found == MINE && stage == GIVE -> answer_201(gift); goto finished
            :: found == NOT_SPENT -> stage = ASK
            :: found == FREE -> stage = FIRST /* Swift: WriteSlot.spendAgain */
            :: found == BAD -> answer_403(); goto finished
            :: found == GIFT -> stage = GIVE
            :: found == REPLAY -> stage = REVOKE
            fi;
            found = 0;
            goto send
        fi
    }
lost: /* The connection, or the commit is good on one machine only. Swift: WriteSlot.failed */
    atomic {
        changed = 0; failed_over = 0; found = 0; gift = 0;
        if
        :: stage != UNDO -> again = 1
        :: else
        fi;
        if
        :: life != lives[server] -> goto finished
        :: stage == UNDO -> goto send
        :: stage != UNDO && !told -> stage = FIRST; goto send /* with the same token */
        :: stage != UNDO ->
            if
            :: !told -> answer_503()
            :: else
            fi;
#if BUG == NO_UNDO
            settle(); goto finished
#else
            stage = UNDO; goto send
#endif
        fi
    }
finished:
    atomic {
        server = 0; life = 0; failed_over = 0; stage = 0; found = 0; gift = 0; again = 0; told = 0; changed = 0;
        was_over = 0; was_idle = 0; was_void = 0; was_ended = 0; was_given = 0
    }
}
