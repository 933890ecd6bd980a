/*
 * The capture protocol of one (pool, address, capture domain): routers that claim, confirm, execute and crash; a log that may be wiped;
 * a provider that carries requests out late. What it covers and what it does not: docs/adr/0010-model-of-the-capture-protocol.md
 *
 * Broken on purpose, each must be refuted:
 *   READ_FENCE      the fence believes what it has read instead of writing
 *   NO_HIGH_WATER   nobody remembers epochs beyond the log
 *   SAME_EPOCH      a new holder takes over the epoch that stands
 *
 * Stronger claims than the protocol makes, each must be refuted too:
 *   NONE_OVERTAKEN  no request is overtaken between its confirmation and its effect
 *   NONE_FORGOTTEN  a wiped log makes nobody give out an epoch again
 *
 * REACHES_EPOCH n: refuted when the provider can be made to act in epoch n, so that the checks above are not about nothing.
 */
#ifndef ROUTERS
#define ROUTERS 2
#endif
#ifndef LOG_MAX
#define LOG_MAX 5       /* records that fit into one life of the log */
#endif
#ifndef EPOCH_MAX
#define EPOCH_MAX 3
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef WIPES
#define WIPES 1
#endif

#define NOBODY ROUTERS

mtype = { ACQUIRING, CONFIRMED, RELEASING, VACANT };  /* held is confirmed that was seen to be in effect: the fence treats both alike */
mtype = { IDLE, FENCING, CALLING };                   /* what a router is doing */
mtype = { ASSIGN, UNASSIGN };

/* The log. Only winners are kept: who writes on a view that is behind changes nothing. Entry 0 stands for "no record". */
byte last;                              /* revision of the last record */
byte epochAt[LOG_MAX + 1];
byte holderAt[LOG_MAX + 1];
byte previousAt[LOG_MAX + 1];
mtype phaseAt[LOG_MAX + 1];

/* Each router: how far it has read, what it remembers on its disk, what it does. */
byte seen[ROUTERS];
byte highWater[ROUTERS];
mtype doing[ROUTERS];
byte awaited[ROUTERS];                  /* revision of its own confirmation */

/* A request that was handed to the provider; it lives on when its router crashes. One at a time for each NIC. */
bool isUnderWay[ROUTERS];
mtype verbOf[ROUTERS];
byte epochOf[ROUTERS];
byte takesFrom[ROUTERS];
byte confirmedAt[ROUTERS];              /* when its confirmation won, on the scale of `moment` */
byte knewOf[ROUTERS];                   /* the high-water mark of its router then */

byte moment;                            /* counts records over all lives of the log */
byte claimedAt[EPOCH_MAX + 1];          /* when an epoch was last claimed */
byte location = NOBODY;                 /* whose NIC has the address */
byte highestEffect;                     /* highest epoch that the provider has acted for */
byte acquirer[EPOCH_MAX + 1];           /* who acquired in an epoch, since the last wipe; NOBODY: nobody */
byte crashesLeft = CRASHES;
byte wipesLeft = WIPES;

#define EPOCH(i) epochAt[seen[i]]
#define HOLDER(i) holderAt[seen[i]]
#define PHASE(i) phaseAt[seen[i]]
#define PREVIOUS(i) previousAt[seen[i]]
#define MAX(a, b) (a > b -> a : b)

#ifdef NO_HIGH_WATER
#define MARK(i) 0
#else
#define MARK(i) highWater[i]
#endif

#define APPEND(newEpoch, newHolder, newPhase, newPrevious) \
  last++; moment++; \
  epochAt[last] = newEpoch; holderAt[last] = newHolder; phaseAt[last] = newPhase; previousAt[last] = newPrevious

/* A compare-and-swap that is based on what was read; one that loses changes nothing. */
#define MAY_WRITE(i) (seen[i] == last && last < LOG_MAX && EPOCH(i) >= MARK(i))
#define MAY_CLAIM(i) (seen[i] == last && last < LOG_MAX)

#define SUBMIT(i, verb) \
  isUnderWay[i] = true; verbOf[i] = verb; epochOf[i] = EPOCH(i); takesFrom[i] = PREVIOUS(i); knewOf[i] = highWater[i]; doing[i] = CALLING

proctype Router(byte i) {
  byte next;
  do
  /* Reading: the log comes in order, as late as it likes. What is read is remembered before it is acted on. */
  :: atomic { seen[i] < last ->
       seen[i]++;
       highWater[i] = MAX(highWater[i], EPOCH(i))
     }

  /* Claiming: nobody's liveness is certain, so anybody may take itself for the better one at any time. */
  :: atomic { doing[i] == IDLE && MAY_CLAIM(i) && (HOLDER(i) != i || EPOCH(i) < MARK(i) || PHASE(i) == RELEASING) ->
#ifdef SAME_EPOCH
       next = MAX(1, EPOCH(i));
#else
       next = MAX(EPOCH(i), MARK(i)) + 1;
#endif
       if
       :: next <= EPOCH_MAX ->
            APPEND(next, i, ACQUIRING, (HOLDER(i) == i || HOLDER(i) == NOBODY -> PREVIOUS(i) : HOLDER(i)));
            claimedAt[next] = moment
       :: else
       fi;
       next = 0
     }

  /* The fence of an assignment. */
#ifdef READ_FENCE
  :: atomic { doing[i] == IDLE && !isUnderWay[i] && HOLDER(i) == i && (PHASE(i) == ACQUIRING || PHASE(i) == CONFIRMED) ->
       confirmedAt[i] = moment;
       SUBMIT(i, ASSIGN)
     }
#else
  :: atomic { doing[i] == IDLE && !isUnderWay[i] && MAY_WRITE(i) && HOLDER(i) == i && (PHASE(i) == ACQUIRING || PHASE(i) == CONFIRMED) ->
       APPEND(EPOCH(i), i, CONFIRMED, PREVIOUS(i));
       awaited[i] = last;
       confirmedAt[i] = moment;
       doing[i] = FENCING
     }
#endif
  /* It came back: it had won. What was overtaken meanwhile, as far as was read, is stale. */
  :: atomic { doing[i] == FENCING && seen[i] >= awaited[i] ->
       if
       :: HOLDER(i) == i && PHASE(i) == CONFIRMED && EPOCH(i) == epochAt[awaited[i]] -> SUBMIT(i, ASSIGN)
       :: HOLDER(i) == i && PHASE(i) == RELEASING && EPOCH(i) == epochAt[awaited[i]] -> SUBMIT(i, UNASSIGN)
       :: else -> doing[i] = IDLE
       fi;
       awaited[i] = 0
     }
  /* No answer before the deadline: no call. */
  :: atomic { doing[i] == FENCING -> doing[i] = IDLE; awaited[i] = 0 }

  /* Releasing: said first, then fenced, executed, seen to be gone, and vacated in an epoch of its own. */
  :: atomic { doing[i] == IDLE && MAY_WRITE(i) && HOLDER(i) == i && PHASE(i) == CONFIRMED ->
       APPEND(EPOCH(i), i, RELEASING, PREVIOUS(i))
     }
  :: atomic { doing[i] == IDLE && !isUnderWay[i] && MAY_WRITE(i) && HOLDER(i) == i && PHASE(i) == RELEASING && location == i ->
       APPEND(EPOCH(i), i, RELEASING, PREVIOUS(i));
       awaited[i] = last;
       confirmedAt[i] = moment;
       doing[i] = FENCING
     }
  :: atomic { doing[i] == IDLE && MAY_WRITE(i) && HOLDER(i) == i && PHASE(i) == RELEASING && location != i ->
       next = MAX(EPOCH(i), MARK(i)) + 1;
       if
       :: next <= EPOCH_MAX -> APPEND(next, NOBODY, VACANT, i); claimedAt[next] = moment
       :: else
       fi;
       next = 0
     }

  /* The provider's answer, or the end of waiting for it. */
  :: atomic { doing[i] == CALLING && !isUnderWay[i] -> doing[i] = IDLE }

  /* A crash: the disk stays, what was sent is on its way, the log is read again. */
  :: atomic { crashesLeft > 0 ->
       crashesLeft--;
       seen[i] = 0;
       doing[i] = IDLE;
       awaited[i] = 0
     }
  od
}

#ifdef NONE_OVERTAKEN
#define WAS_OVERTAKEN(i) false
#else
#define WAS_OVERTAKEN(i) (confirmedAt[i] < claimedAt[highestEffect])
#endif
#ifdef NONE_FORGOTTEN
#define WAS_FORGOTTEN(i) false
#else
#define WAS_FORGOTTEN(i) (wipesLeft < WIPES && knewOf[i] < highestEffect)
#endif

/* Carries out requests in any order, as late as it likes. An address is taken only from the NIC that the request names. */
proctype Provider() {
  byte i;
  bool changes;
  do
  :: atomic { 
       if
       :: isUnderWay[0] -> i = 0
#if ROUTERS > 1
       :: isUnderWay[1] -> i = 1
#endif
#if ROUTERS > 2
       :: isUnderWay[2] -> i = 2
#endif
       fi;
       changes = (verbOf[i] == ASSIGN && location != i && (location == NOBODY || location == takesFrom[i])) ||
                 (verbOf[i] == UNASSIGN && location == i);
       if
       :: changes ->
            /* I1: below what was acted for before only what was overtaken on its way, or what a wiped log made a router forget. */
            assert(epochOf[i] >= highestEffect || WAS_OVERTAKEN(i) || WAS_FORGOTTEN(i));
            /* A router never acts below an epoch that it has seen. */
            assert(epochOf[i] >= knewOf[i]);
            if
            :: verbOf[i] == ASSIGN ->
                 assert(acquirer[epochOf[i]] == NOBODY || acquirer[epochOf[i]] == i || wipesLeft < WIPES);
                 acquirer[epochOf[i]] = i;
                 location = i
            :: else -> location = NOBODY
            fi;
            highestEffect = MAX(highestEffect, epochOf[i]);
#ifdef REACHES_EPOCH
            assert(highestEffect < REACHES_EPOCH)
#endif
       :: else
       fi;
       isUnderWay[i] = false;
       changes = false;
       i = 0
     }
  od
}

/* The hub loses its disk: everybody is cut off, and reads an empty log. Confirmations on their way are never answered. */
proctype Hub() {
  byte i;
  do
  :: atomic { wipesLeft > 0 ->
       wipesLeft--;
       i = 0;
       do
       :: i <= last -> epochAt[i] = 0; holderAt[i] = NOBODY; phaseAt[i] = VACANT; previousAt[i] = NOBODY; i++
       :: else -> break
       od;
       last = 0;
       i = 0;
       do
       :: i < ROUTERS ->
            seen[i] = 0;
            awaited[i] = 0;
            doing[i] = (doing[i] == FENCING -> IDLE : doing[i]);
            i++
       :: else -> break
       od;
       i = 0
     }
  od
}

init {
  byte i;
  atomic {
    do
    :: i <= LOG_MAX -> holderAt[i] = NOBODY; phaseAt[i] = VACANT; previousAt[i] = NOBODY; i++
    :: else -> break
    od;
    i = 0;
    do
    :: i <= EPOCH_MAX -> acquirer[i] = NOBODY; i++
    :: else -> break
    od;
    i = 0;
    do
    :: i < ROUTERS -> doing[i] = IDLE; i++
    :: else -> break
    od;
    i = 0;
    run Provider();
    run Hub();
    do
    :: i < ROUTERS -> run Router(i); i++
    :: else -> break
    od
  }
}
