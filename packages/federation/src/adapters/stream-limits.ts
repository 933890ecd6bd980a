/** How many messages of one subject the logs keep; the same for NATS and the in-memory network. */

/** The last state of each (source, address): a newcomer reads as many facts as there are addresses, not all history. */
export const FACTS_PER_SUBJECT = 1;

/**
 * Records of one capture key by one writer. The record that stands for a key is never displaced by this limit:
 *
 * 1. Only its own writer could displace it, since the writer's name is in the subject.
 * 2. After its writer has read it back, whatever that writer appends to the key either wins (and stands in its place) or loses to
 *    another writer's record that was there before (and then stands in its place).
 * 3. Before it has read it back, the writer appends nothing more to the key: see `CaptureExchange`, which looks for a record of
 *    unknown fate before it writes again. The margin of eight is for what may still be on its way from a broken connection.
 *
 * A newcomer therefore reads at most eight records for each key and writer. They are also the recent history, for people.
 */
export const CAPTURES_PER_SUBJECT = 8;
