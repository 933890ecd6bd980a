/**
 * Runs on the hub's machine: `watch-facts.ts OPERATOR-FILE`. Prints a line for each fact that the hub stores from now on, with the hub's own time stamp.
 * A push consumer that keeps nothing and asks for no acknowledgement: the operator's permissions cover it, and it goes with the connection.
 */
import { factsStream, parseGroupName } from '@routerd/federation';
import { connect, nkeyAuthenticator } from '@nats-io/transport-node';
import { readOperatorAccess } from '../hub-access.ts';

const { group, server, caFile, seed } = readOperatorAccess(process.argv[2] ?? '');
const name = parseGroupName(group);
if (!name.ok) throw new Error(`not a group's name: ${group}`);

const connection = await connect({
  servers: [server],
  name: 'lab: watch of facts',
  inboxPrefix: '_INBOX_OPERATOR',
  authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
  tls: { caFile },
});
const stream = factsStream(name.value);
const consumer = `lab-${process.pid}`;
const deliverSubject = `_INBOX_OPERATOR.${consumer}`;

connection.subscribe(deliverSubject, {
  callback(failed, message) {
    if (failed !== null) throw failed;
    const at = storedAt(message.reply ?? '');
    const address = addressOf(message.subject);
    if (at !== undefined) process.stdout.write(`${JSON.stringify({ at, address })}\n`);
  },
});
const config = {
  name: consumer,
  deliver_subject: deliverSubject,
  deliver_policy: 'new',
  ack_policy: 'none',
  replay_policy: 'instant',
  mem_storage: true,
};
const answer = await connection.request(
  `$JS.API.CONSUMER.CREATE.${stream}.${consumer}`,
  JSON.stringify({ stream_name: stream, config }),
);
process.stdout.write(answer.string().includes('"error"') ? `refused: ${answer.string()}\n` : 'watching\n');

/** `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<nanoseconds since 1970>.<pending>` (NATS ADR-15, first form). */
function storedAt(reply: string): number | undefined {
  const nanoseconds = reply.split('.')[7];
  return nanoseconds === undefined ? undefined : Number(BigInt(nanoseconds) / 1000n) / 1000;
}

/** `sam.v1.<group>.facts.<node>.<pool>.<a-b-c-d>`: docs/reference/facts.md. */
function addressOf(subject: string): string {
  return (subject.split('.').at(-1) ?? '').replaceAll('-', '.');
}
