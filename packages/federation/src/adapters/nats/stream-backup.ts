/** One stream as a file, and back: what a hub holds is carried into a cluster with its sequences. The form of the file is the server's own. */
import { open, type FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { err, ok, type Result } from '@routerd/resources';
import { describe, type HubFault } from './connect-hub.ts';

/** Below the greatest payload of our hubs (64 KiB), which is what the server cuts its snapshot to. Bytes. */
const CHUNK_BYTES = 32_768;
/** A server that says nothing for so long has given the transfer up. */
const CHUNK_TIMEOUT_MS = 10_000;
/** The last chunk is answered when the stream stands, with all its messages. */
const RESTORE_TIMEOUT_MS = 60_000;

const failure = z.object({ error: z.object({ code: z.number(), description: z.string().default('') }) });
const state = z.looseObject({ messages: z.number(), first_seq: z.number(), last_seq: z.number() });
const description = z.object({ config: z.looseObject({ name: z.string(), num_replicas: z.number() }), state });
const destination = z.object({ deliver_subject: z.string() });

/** Settings and extent of a stream, in the server's words. */
export type StreamDescription = z.output<typeof description>;
/** What {@link backUpStream} returned, read back from where it was kept. */
export const streamDescription = description;

/**
 * Writes the messages and settings of a stream into a file (0600), synced. Nobody may write to the stream meanwhile: the caller sees to it.
 * @param file replaced when it exists
 */
export async function backUpStream(
  connection: NatsConnection,
  stream: string,
  file: string,
): Promise<Result<StreamDescription, HubFault>> {
  let output: FileHandle | undefined;
  const inbox = `_INBOX_OPERATOR.backup.${crypto.randomUUID()}`;
  const chunks = connection.subscribe(inbox);
  try {
    output = await open(file, 'w', 0o600);
    const said = await connection.request(
      `$JS.API.STREAM.SNAPSHOT.${stream}`,
      JSON.stringify({ deliver_subject: inbox, no_consumers: true, chunk_size: CHUNK_BYTES }),
      { timeout: CHUNK_TIMEOUT_MS },
    );
    const answer = answerOf(said, description);
    if (!answer.ok) return answer;
    // The server waits for each acknowledgement before it sends much more, and ends with an empty message.
    const late = setTimeout(() => chunks.unsubscribe(), CHUNK_TIMEOUT_MS);
    let isWhole = false;
    for await (const chunk of chunks) {
      late.refresh();
      if (chunk.data.length === 0) {
        isWhole = true;
        break;
      }
      await output.write(chunk.data);
      chunk.respond();
    }
    clearTimeout(late);
    if (!isWhole) return err({ code: 'hub.failed', detail: `the backup of ${stream} came to no end` });
    await output.sync();
    return answer;
  } catch (cause) {
    return err({ code: 'hub.failed', detail: `backup of ${stream}: ${describe(cause)}` });
  } finally {
    chunks.unsubscribe();
    await output?.close();
  }
}

/** Makes a stream that does not exist of its backup; messages have the sequences that they had. */
export async function restoreStream(
  connection: NatsConnection,
  { config, state: extent }: StreamDescription,
  replicas: number,
  file: string,
): Promise<Result<void, HubFault>> {
  let input: FileHandle | undefined;
  try {
    input = await open(file, 'r');
    const wanted = { config: { ...config, num_replicas: replicas }, state: extent };
    const subject = `$JS.API.STREAM.RESTORE.${config.name}`;
    const place = answerOf(
      await connection.request(subject, JSON.stringify(wanted), { timeout: CHUNK_TIMEOUT_MS }),
      destination,
    );
    if (!place.ok) return place;
    const buffer = Buffer.alloc(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await input.read(buffer, 0, CHUNK_BYTES);
      const timeout = bytesRead === 0 ? RESTORE_TIMEOUT_MS : CHUNK_TIMEOUT_MS;
      const said = await connection.request(place.value.deliver_subject, buffer.subarray(0, bytesRead), { timeout });
      if (said.data.length > 0) {
        const fault = faultOf(said);
        if (fault !== undefined) return err(fault);
      }
      if (bytesRead === 0) return ok(undefined);
    }
  } catch (cause) {
    return err({ code: 'hub.failed', detail: `restoring ${config.name}: ${describe(cause)}` });
  } finally {
    await input?.close();
  }
}

function faultOf(message: Msg): HubFault | undefined {
  const failed = failure.safeParse(message.json());
  return failed.success ? { code: 'hub.failed', detail: failed.data.error.description } : undefined;
}

function answerOf<T>(message: Msg, form: z.ZodType<T>): Result<T, HubFault> {
  const fault = faultOf(message);
  if (fault !== undefined) return err(fault);
  const parsed = form.safeParse(message.json());
  return parsed.success
    ? ok(parsed.data)
    : err({ code: 'hub.failed', detail: `an answer of another form: ${z.prettifyError(parsed.error)}` });
}
