/* Somebody revokes the token of a code (Swift: Server/Requests/RevocationEndpoint), or its consent (ConsentEndpoint). */

proctype Revoker(byte code; bit is_consent) {
    byte server, life, failed_over, which;
    bit again, changed, found;

end_waiting: /* for a token that never comes */
    atomic {
        is_consent || given[code] ->
        which = given[code]; revoking[code] = 1;
        if
        :: server = 0
        :: server = 1
        fi;
        life = lives[server]
    }
send:
    atomic {
        if
        :: life != lives[server] -> goto finished
        :: is_consent -> /* Swift: Statement.revokeConsents */
            found = 1; changed = BUG != READ_ONLY || again || !HAS(primary.withdrawn, code); primary.withdrawn = primary.withdrawn | BIT(code)
        :: !is_consent -> /* Swift: Statement.revokeTokens */
            found = HAS(primary.alive, which); changed = BUG != READ_ONLY || again || found; primary.alive = primary.alive & ~BIT(which)
        :: losses < LOSSES -> losses++; goto lost
        fi;
        failed_over = failovers; look()
    }
    atomic {
        if
        :: life != lives[server] -> goto finished
        :: failed_over == failovers -> acknowledge()
        :: failed_over != failovers -> goto lost
        :: failed_over == failovers && losses < LOSSES -> losses++; goto lost
        fi;
        if
        :: !found && again -> goto finished /* 503: it is not known. Swift: WriteBatch.readRevoked */
        :: else -> /* 200 */
            ended[code] = 1; voided[code] = is_consent; look(); goto finished
        fi
    }
lost:
    atomic {
        again = 1;
        if
        :: life == lives[server] -> goto send
        :: goto finished /* 503 after a time, or killed: it may have happened */
        fi
    }
finished:
    atomic { server = 0; life = 0; failed_over = 0; which = 0; again = 0; changed = 0; found = 0 }
}
